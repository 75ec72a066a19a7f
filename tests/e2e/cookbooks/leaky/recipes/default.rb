execute 'says its secret' do
  command "echo the password is #{Env.get(node, 'password')} >&2; exit 1"
end
