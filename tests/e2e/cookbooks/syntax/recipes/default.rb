package 'apache2'

file '/srv/x' do
  content 'no end'
