login, password = Env.creds(node)
raise 'the broker needs the global login and password' unless login && password

passwords = '/etc/mosquitto/passwords'
listeners = '/etc/mosquitto/conf.d/listeners.conf'

Common.packages(self, 'mosquitto', 'mosquitto-clients')

file passwords do
  content lazy { MosquittoPasswords.content(passwords, login, password) }
  owner 'root'
  group 'mosquitto' # mosquitto reads it again on reload, when it is root no more
  mode '0640'
  sensitive true
end

template listeners do
  source 'listeners.conf.erb'
  variables(broker: node['broker'], passwords: passwords)
  owner 'root'
  group 'mosquitto'
  mode '0640'
end

Common.application(self, 'mosquitto', subscribe: ["file[#{passwords}]", "template[#{listeners}]"])
