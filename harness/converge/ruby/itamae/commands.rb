# frozen_string_literal: true

require 'etc'
require 'open3'
require 'timeout'

module GitOps
  # A program that has ended; answers like the object that Chef's shell_out returns.
  CommandResult = Struct.new(:command, :stdout, :stderr, :exitstatus) do
    def error? = !exitstatus.zero?

    def error!
      raise CommandFailed, self if error?

      self
    end
  end

  # A command ended with a code that its resource does not allow.
  class CommandFailed < StandardError
    attr_reader :result

    def initialize(result, shown: nil)
      @result = result
      super("#{shown || result.command} ended with #{result.exitstatus}")
    end

    def output = "#{result.stdout}#{result.stderr}"
  end

  # Runs programs, as another user where asked (setpriv is in every Debian's util-linux).
  module Commands
    TIMEOUT = 3600

    module_function

    def run(command, user: nil, group: nil, cwd: nil, environment: {}, umask: nil, timeout: nil, input: nil)
      argv = identity(user, group) + (command.is_a?(Array) ? command.map(&:to_s) : ['/bin/sh', '-c', command])
      options = { chdir: cwd || '/', umask: umask && integer(umask), pgroup: true }.compact
      out, err, status = capture({ **home(user), **strings(environment) }, argv, options, input, timeout || TIMEOUT)
      CommandResult.new(command.is_a?(Array) ? command.join(' ') : command, out, err, status)
    end

    def capture(environment, argv, options, input, seconds)
      Open3.popen3(environment, *argv, options) do |stdin, stdout, stderr, process|
        readers = [stdout, stderr].map { |stream| Thread.new { stream.read } }
        feed(stdin, input)
        finish(process, seconds)
        [*readers.map(&:value), process.value.exitstatus || (128 + process.value.termsig.to_i)]
      end
    end

    def feed(stdin, input)
      stdin.write(input) if input
    rescue Errno::EPIPE
      nil # a program may end without reading what it was given; its exit status tells
    ensure
      stdin.close
    end

    def finish(process, seconds)
      return if process.join(seconds)

      Process.kill('KILL', -process.pid)
      process.join
    end

    def identity(user, group)
      return [] unless user || group

      account = user && account(user)
      group_id = group ? gid(group) : account.gid
      ['setpriv', *(account ? ['--reuid', account.uid.to_s, '--init-groups'] : ['--clear-groups']),
       '--regid', group_id.to_s, '--']
    end

    def home(user)
      return {} unless user

      account = account(user)
      { 'HOME' => account.dir, 'USER' => account.name, 'LOGNAME' => account.name }
    end

    def account(user) = user.is_a?(Integer) ? Etc.getpwuid(user) : Etc.getpwnam(user)
    def gid(group) = group.is_a?(Integer) ? group : Etc.getgrnam(group).gid
    def uid(user) = user.is_a?(Integer) ? user : Etc.getpwnam(user).uid
    def integer(mode) = mode.is_a?(Integer) ? mode : Integer(mode.to_s, 8)
    def strings(environment) = environment.to_h { |key, value| [key.to_s, value&.to_s] }
  end
end
