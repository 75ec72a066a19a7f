package 'jq'

zfs_pool 'tank' do
  size 3
end
