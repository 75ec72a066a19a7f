plane = node['control_plane']
_, password = Env.creds(node)
raise 'the control plane needs what the deploy brings along, and the global password' unless plane && password

data = '/var/lib/gitops'
kit = '/var/cache/gitops-kit'
tls = '/etc/gitops/tls'
version = "#{[plane['environment'], plane['program'], *plane['releases']].join(' ')}\n"
installed = lambda do
  unpacked = plane['releases'].all? { |name| File.exist?("/opt/gitops/releases/#{name}") }
  unpacked && { 'current' => plane['environment'], 'program' => plane['program'] }.all? do |link, name|
    File.symlink?("/opt/gitops/#{link}") && File.basename(File.readlink("/opt/gitops/#{link}")) == name
  end
end

# Data that lies on the host must belong to the container's account there: nobody in here can see to that.
if File.exist?(data) && [0, 811].none?(File.stat(data).uid)
  raise "#{data} belongs to #{File.stat(data).uid}: on the host, type chown -R 100811:100811 for what is mounted there"
end

Common.packages(self, 'git', 'openssh-client', 'python3', 'python3-venv')

# The numbers are fixed, for the data outlives the container.
group 'gitops' do
  gid 811
  system true
end

user 'gitops' do
  uid 811
  gid 'gitops'
  home data
  shell '/usr/sbin/nologin'
  system true
end

Common.directories(self, data, owner: 'gitops', group: 'gitops', mode: '0750')
Common.directories(self, %w[forge runner share].map { |name| "#{data}/#{name}" },
                   owner: 'gitops', group: 'gitops', mode: '0700')
Common.directories(self, '/etc/gitops', owner: 'root', group: 'root')
Common.directories(self, tls, owner: 'root', group: 'gitops', mode: '0750')

cookbook_file "#{kit}.tar" do
  source 'kit.tar'
  owner 'root'
  group 'root'
  mode '0600'
  not_if { installed.call }
end

execute 'install the harness and its packages' do
  command "set -e; rm -rf #{kit}; mkdir -m 0700 #{kit}; tar -x -f #{kit}.tar -C #{kit} --no-same-owner; " \
          "sh #{kit}/install.sh #{kit}"
  timeout 900
  not_if { installed.call }
end

file "#{kit}.tar" do
  action :delete
end

directory kit do
  recursive true
  action :delete
end

# Newer than the processes when they are to begin anew.
file '/opt/gitops/installed' do
  content version
  owner 'root'
  group 'root'
  mode '0644'
end

{ 'certificate.pem' => plane['certificate'], 'key.pem' => plane['key'] }.each do |name, text|
  file "#{tls}/#{name}" do
    content text
    owner 'root'
    group 'gitops'
    mode '0640'
    sensitive true
  end
end

file "#{data}/forge/admin.password" do
  content "#{password}\n"
  owner 'gitops'
  group 'gitops'
  mode '0600'
  sensitive true
end

%w[forge runner].each do |name|
  template "/etc/gitops/#{name}.env" do
    source "#{name}.env.erb"
    variables(plane: plane, address: node['config']['ip'], data: data)
    owner 'root'
    group 'root'
    mode '0644'
  end
end

execute 'systemd reads the units' do
  command 'systemctl daemon-reload'
  action :nothing
end

%w[gitops-forge gitops-runner].each do |name|
  cookbook_file "/etc/systemd/system/#{name}.service" do
    source "#{name}.service"
    owner 'root'
    group 'root'
    mode '0644'
    notifies :run, 'execute[systemd reads the units]', :immediately
  end
end

# What is newer than a process makes it begin anew.
newer = lambda do |name|
  ['file[/opt/gitops/installed]', "template[/etc/gitops/#{name}.env]",
   "cookbook_file[/etc/systemd/system/gitops-#{name}.service]"]
end

Common.application(self, 'gitops-forge',
                   subscribe: [*newer.call('forge'), "file[#{data}/forge/admin.password]",
                               "file[#{tls}/certificate.pem]", "file[#{tls}/key.pem]"],
                   verify_timeout: 60,
                   verify_cmd: "curl -s -f -o /dev/null http://127.0.0.1:#{plane['plain_port']}/api/healthz")

# The runner introduces itself with a token that only an administrator gets.
file plane['registration'] do
  content lazy { Registration.token("http://127.0.0.1:#{plane['plain_port']}", plane['admin'], password) }
  owner 'gitops'
  group 'gitops'
  mode '0600'
  sensitive true
  not_if { File.exist?(plane['registration']) }
end

Common.application(self, 'gitops-runner')

# This very converge may be a job of this runner: it ends when its jobs have, and systemd starts the new one.
execute 'let the runner begin anew after its jobs' do
  command 'systemctl kill --kill-whom=main --signal=SIGHUP gitops-runner.service && touch /run/gitops-runner.told'
  only_if { Registration.outdated?('gitops-runner', newer.call('runner'), '/run/gitops-runner.told') }
end
