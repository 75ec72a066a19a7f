file '/srv/before' do
  content 'before the failure'
  notifies :run, 'execute[notified all the same]', :delayed
end

execute 'notified all the same' do
  command 'touch /srv/notified'
  action :nothing
end

execute 'a command that fails' do
  command 'echo the reason it gives >&2; exit 3'
end

file '/srv/after' do
  content 'never written'
end
