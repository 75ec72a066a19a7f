# frozen_string_literal: true

module GitOps
  # A command; changed whenever it runs, so guards make it idempotent.
  class Execute < Resource
    DEFAULT_ACTION = :run
    provides :execute
    property :command, from_name: true
    property :returns, default: 0
    property :environment, default: {}
    %i[cwd user group creates timeout input].each { |name| property name }
    alias env environment

    def action_run
      return if creates && ::File.exist?(creates)

      change('run') { allowed(Commands.run(command, **options)) }
    end

    def guard_options = { user: user, group: group, cwd: cwd, environment: environment }

    private

    def options = { **guard_options, umask: umask, timeout: timeout, input: input }

    def allowed(result)
      return if [returns].flatten.include?(result.exitstatus)

      raise CommandFailed.new(result, shown: sensitive ? 'the command' : nil)
    end
  end

  # A script given as code.
  class Script < Execute
    provides :bash, :script
    property :code
    property :interpreter, default: 'bash'
    property :flags, default: ''

    def action_run
      return if creates && ::File.exist?(creates)

      # On standard input, so that what the script holds shows in no process list.
      argv = [interpreter, *flags.split, '-s']
      change('run') { allowed(Commands.run(argv, **options, input: code)) }
    end
  end

  # Ruby code that runs in its turn.
  class RubyBlock < Resource
    DEFAULT_ACTION = :run
    provides :ruby_block
    property :block

    def action_run = change('run') { block.call }
    alias action_create action_run
  end

  # A line in the log; changes nothing.
  class LogLine < Resource
    DEFAULT_ACTION = :write
    provides :log
    property :message, from_name: true
    property :level, default: :info

    def action_write = Itamae.logger.public_send(level, message)
  end
end
