# frozen_string_literal: true

# What applies where a recipe says nothing else.
module Default
  module_function

  def user(_node = nil) = Constants::APP_USER
  def group(_node = nil) = Constants::CONFIG_GROUP
  def config(_node = nil) = 'config'
  def stage(node = nil) = (node && Ctx.node(node)['stage']) || Constants::MAIN
  def snapshot_dir(_node = nil) = Constants::SNAPSHOTS
  def hostname(node) = Ctx.node(node)['hostname']
end
