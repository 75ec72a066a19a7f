# frozen_string_literal: true

# Runs one cookbook through Itamae: ruby run.rb ROOT COOKBOOK
#
# ROOT is the private directory that holds cookbooks/<name>, libraries and attributes.json. Itamae supplies the runner,
# recipes and events; the files beside this one supply the names that Chef recipes use.

require 'json'
require 'itamae'
require_relative 'events'
require_relative 'mash'
require_relative 'commands'
require_relative 'node'
require_relative 'dsl'
require_relative 'failure'
require_relative 'notifications'
require_relative 'permissions'
require_relative 'download'
require_relative 'resource'
Dir[File.join(__dir__, 'resources', '*.rb')].sort.each { |file| require file }
require_relative 'recipe'
require_relative 'runner'

root, cookbook = ARGV
$stdout.sync = true
Itamae.logger.level = Logger::INFO
Itamae.logger.formatter.colored = false
exit GitOps::Runner.converge(root, cookbook) ? 0 : 1
