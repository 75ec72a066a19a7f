# frozen_string_literal: true

# Everything that Cinc writes stays in the private directory: local mode saves the node with all its attributes.
root = File.expand_path('..', __dir__)
require File.join(root, 'cinc', 'reporter.rb')

local_mode true
chef_repo_path root
cookbook_path [File.join(root, 'cookbooks')]
file_cache_path File.join(root, 'cache')
file_backup_path File.join(root, 'backup')
node_path File.join(root, 'nodes')
cache_path File.join(root, 'cache')
log_location $stdout
# A diff of a file would show secrets that no redactor knows.
diff_disabled true
event_handlers [GitOps::Reporter.new(root)]
