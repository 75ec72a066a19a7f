default['broker']['address'] = '0.0.0.0'
default['broker']['port'] = 1883
default['broker']['websockets'] = 9001
