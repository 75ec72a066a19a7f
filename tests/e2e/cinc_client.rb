# Stands in for Cinc in tests: loads our client.rb and hands our reporter the events that Chef would, in Chef's order
# and with Chef's arguments (chef/event_dispatch/base.rb). It converges nothing.

require 'json'

class Chef
  module EventDispatch
    class Base; end
  end
end
$LOADED_FEATURES << 'chef/event_dispatch/base.rb'
module Kernel
  alias real_require require
  def require(name) = name == 'chef/event_dispatch/base' ? true : real_require(name)
end

# What client.rb sets, as Chef::Config would keep it.
class Config
  attr_reader :settings

  def initialize = @settings = {}
  def method_missing(name, *args) = args.empty? ? @settings[name] : @settings[name] = args.first
  def respond_to_missing?(*) = true
end

options = ARGV.each_slice(1).to_a.flatten
value = ->(name) { options[options.index(name) + 1] }
path = value.call('--config')
config = Config.new
config.instance_eval(File.read(path), path)
settings = config.settings
root = settings[:chef_repo_path]
name = value.call('--override-runlist')[/\Arecipe\[(.+)\]\z/, 1]
attributes = JSON.parse(File.read(value.call('--json-attributes')))
cookbook = File.join(settings[:cookbook_path].first, name)
reporter = settings[:event_handlers].first

Resource = Struct.new(:declared_type, :name, :source_line)
at = ->(line) { "#{cookbook}/recipes/default.rb:#{line}:in `from_file'" }

raise 'not in local mode' unless options.include?('--local-mode') && settings[:local_mode]

if name == 'failing'
  broken = Resource.new(:execute, 'a command that fails', at.call(11))
  reporter.resource_action_start(broken, :run, nil, nil)
  error = RuntimeError.new("not today\nthe reason it gives")
  reporter.resource_failed(broken, :run, error)
  reporter.run_failed(error, nil)
  exit 1
end

file = Resource.new(:file, '/srv/seen', at.call(7))
reporter.resource_action_start(file, :create, nil, nil)
modes = [root, value.call('--json-attributes')].map { |item| format('%o', File.stat(item).mode & 0o7777) }
helper = Dir.children(File.join(cookbook, 'libraries')).include?('common.rb') ? 'common.rb' : 'none'
private_node = settings[:node_path].start_with?(root)
File.write('/srv/seen', [*modes, attributes['login'], private_node ? 'True' : 'False', helper].join(' '))
reporter.resource_updated(file, :create)
package = Resource.new(:package, 'jq', nil)
reporter.resource_action_start(package, :install, nil, nil)
reporter.resource_up_to_date(package, :install)
reporter.run_completed(nil, nil)
