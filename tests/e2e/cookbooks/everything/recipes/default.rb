raise 'attributes' unless node['everything']['word'] == 'from the attributes file'
raise 'json attributes win over defaults' unless node['everything']['overridden'] == 'by json'

node.default['everything']['later'] = 'set in the recipe'
node.run_state['events'] = []

group 'crew' do
  system true
end

user 'sailor' do
  gid 'crew'
  home '/srv/sailor'
  manage_home true
  shell '/bin/bash'
  comment 'A sailor'
  system true
end

group 'crew' do
  members ['sailor']
  append true
end

Common.directories(self, ['/srv/everything', '/srv/everything/deep/er'], owner: 'sailor', group: 'crew', mode: '0750')

file '/srv/everything/counter' do
  content '0'
  action :create_if_missing
end

file '/srv/everything/plain' do
  content Greeting.to(Env.get(node, 'login'))
  owner 'sailor'
  group 'crew'
  mode '0640'
  notifies :run, 'execute[count]', :immediately
end

execute 'count' do
  command 'echo $(($(cat /srv/everything/counter) + 1)) > /srv/everything/counter'
  action :nothing
end

file '/srv/everything/lazy' do
  content lazy { "counted #{File.read('/srv/everything/counter').strip}, #{node['everything']['later']}" }
  mode 0o600
  sensitive true
end

cookbook_file '/srv/everything/note.txt' do
  mode '0644'
end

template '/srv/everything/page' do
  source 'page.erb'
  variables(title: 'Everything', items: %w[one two])
  notifies :run, 'ruby_block[late]', :delayed
  verify 'test -s %{path}'
end

remote_directory '/srv/everything/tree' do
  source 'tree'
  owner 'sailor'
  group 'crew'
  files_mode '0444'
  purge true
end

link '/srv/everything/link' do
  to '/srv/everything/plain'
end

remote_file '/srv/everything/fetched' do
  source 'file:///srv/everything/plain'
  mode '0644'
end

execute 'once' do
  command 'id -un > /srv/everything/who'
  user 'sailor'
  cwd '/srv/everything'
  creates '/srv/everything/who'
end

bash 'guarded' do
  code <<~SH
    set -e
    echo "$WORD" > /srv/everything/bash
  SH
  environment('WORD' => 'spoken')
  not_if { File.exist?('/srv/everything/bash') }
end

execute 'never' do
  command 'touch /srv/everything/never'
  only_if 'test -e /nonexistent'
end

ruby_block 'late' do
  block { File.write('/srv/everything/late', "written last, #{File.exist?('/srv/everything/included')}") }
  action :nothing
end

include_recipe 'everything::more'

file '/srv/everything/program' do
  content "#!/bin/sh\nexec sleep infinity\n"
  mode '0755'
end

Common.application(
  self, 'watcher',
  exec: '/srv/everything/program --watch', cwd: '/srv', user: 'sailor', group: 'crew',
  unit: { 'Unit' => { 'Description' => 'Keeps watch' }, 'Service' => { 'Environment' => ['A=1', 'B=2'] } },
  subscribe: 'file[/srv/everything/program]'
)
