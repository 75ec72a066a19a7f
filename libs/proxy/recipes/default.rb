caddyfile = '/etc/caddy/Caddyfile'
authority = '/var/lib/caddy/.local/share/caddy/pki/authorities/local/root.crt'
published = '/etc/caddy/ca.crt'

itself, others = Array(node['containers']).partition { |container| container['name'] == 'proxy' }
sites = others.map do |container|
  port = node['proxy']['ports'][container['name']] || 80
  { name: "#{container['hostname']}.#{container['domain']}", upstream: "#{container['ip']}:#{port}" }
end

Common.packages(self, 'caddy')

template caddyfile do
  source 'Caddyfile.erb'
  variables(
    sites: sites.sort_by { |site| site[:name] },
    own: itself.map { |container| "#{container['hostname']}.#{container['domain']}" },
    allow: node['proxy']['allow'],
    published: published
  )
  owner 'root'
  group 'caddy'
  mode '0644'
  verify 'caddy adapt --adapter caddyfile --config %{path}'
end

Common.application(self, 'caddy', subscribe: "template[#{caddyfile}]")

# Caddy makes its authority when it first serves; the certificate (not its key) is for everybody.
file published do
  content lazy { File.read(authority) }
  owner 'root'
  group 'root'
  mode '0644'
  only_if { File.exist?(authority) }
end
