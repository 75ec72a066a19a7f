# frozen_string_literal: true

# Lines in the converge log.
module Logs
  module_function

  def info(text) = Chef::Log.info(text.to_s)
  def warn(text) = Chef::Log.warn(text.to_s)
  def error(text) = Chef::Log.error(text.to_s)

  # Runs the block; a failure is logged with what was tried, then raised, or swallowed where `raise: false`.
  def try!(text, raise: true)
    yield
  rescue StandardError => e
    error("#{text}: #{e.message}")
    raise(e) if raise # rubocop:disable Style/RaiseArgs -- the keyword hides the method only as a value
  end
end
