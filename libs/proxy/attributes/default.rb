# Where a container's web server listens, by the container's name; 80 where nothing is said.
default['proxy']['ports'] = {}
# Who may come in: addresses in CIDR notation.
default['proxy']['allow'] = %w[127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16]
