# frozen_string_literal: true

require 'chef/event_dispatch/base'
require 'json'

module GitOps
  # Turns Chef's events into the JSON lines that the workstation reads: one for each action of each resource.
  class Reporter < Chef::EventDispatch::Base
    MARK = "\u001e"

    def initialize(root)
      super()
      @root = root
      @running = {}
      @failed = false
    end

    def resource_action_start(resource, action, *)
      @running[resource.object_id] = [action, Process.clock_gettime(Process::CLOCK_MONOTONIC), false]
    end

    def resource_updated(resource, action) = ended(resource, action, true)
    def resource_up_to_date(resource, action) = ended(resource, action, false)
    def resource_skipped(resource, action, *) = ended(resource, action, false)

    def resource_failed(resource, action, exception)
      fail_once(exception, kind: resource.declared_type, name: resource.name, action: action, place: place(resource))
    end

    def recipe_file_load_failed(path, exception, *) = fail_once(exception, place: found_in(exception) || short(path))
    def library_file_load_failed(path, exception) = recipe_file_load_failed(path, exception)
    def attribute_file_load_failed(path, exception) = recipe_file_load_failed(path, exception)
    def run_failed(exception, *) = fail_once(exception, place: found_in(exception) || '')
    def run_completed(*) = emit(event: :done)

    private

    def ended(resource, action, changed)
      _, started = @running.delete(resource.object_id)
      now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
      emit(event: :resource, kind: resource.declared_type, name: resource.name, action: action, changed: changed,
           place: place(resource), seconds: started ? now - started : 0)
    end

    # A failing resource fails its run too: the first report knows most.
    def fail_once(exception, **fields)
      return if @failed

      @failed = true
      message, *rest = exception.message.to_s.lines(chomp: true)
      emit(event: :failed, message: message, output: rest.join("\n"), **fields)
    end

    def place(resource) = short(resource.source_line.to_s)
    def found_in(exception) = [*exception.backtrace, *exception.message.lines].map { |line| short(line) }.find { |line| line.include?(':') }
    def short(text) = text[%r{#{Regexp.escape(@root)}/cookbooks/[^/]+/(\S+?\.rb(?::\d+)?)}, 1].to_s

    def emit(fields)
      clean = fields.transform_values { |value| value.is_a?(String) ? value.dup.force_encoding('UTF-8').scrub('?') : value }
      $stdout.write("#{MARK}#{JSON.generate(clean)}\n")
      $stdout.flush
    end
  end
end
