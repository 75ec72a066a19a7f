# frozen_string_literal: true

require 'shellwords'
require 'time'

# What nearly every container library needs: packages, directories, and a supervised application.
module Common
  class << self
    # Packages, in one apt run.
    def packages(context, *names)
      Ctx.dsl(context).package(names.flatten)
    end

    # Directories of the application's user; `recreate` empties them first.
    def directories(context, dirs, owner: Default.user, group: Default.group, mode: '0755', recreate: false)
      [dirs].flatten.each do |dir|
        remove(context, dir) if recreate
        Ctx.dsl(context).directory(dir) do
          owner owner
          group group
          mode mode
          recursive true
        end
      end
    end

    # A service that runs now and after every boot.
    #
    # With `exec` its unit is written here, `unit` ({'Service' => {'Key' => 'value'}}) merged over the defaults, and the
    # distribution's own unit of that program is masked. Without it the unit of that name must come with a package.
    # `subscribe` names resources ('template[/etc/x]') that restart it when they change. After a start or restart the
    # run fails with status and journal unless `verify_cmd` succeeds within `verify_timeout` seconds.
    def application(context, name, exec: nil, cwd: nil, user: Default.user, group: Default.group, unit: {},
                    actions: %i[enable start], subscribe: nil, restart: 'on-failure', verify: true,
                    verify_timeout: 30, verify_interval: 0.5, verify_cmd: nil)
      file = Unit.path(name)
      if exec
        sections = Unit.sections(name, exec: exec, cwd: cwd, user: user, group: group, restart: restart, unit: unit)
        write_unit(context, name, Unit.render(sections))
        mask_vendor_unit(context, name, exec)
      end
      sources = [exec && "file[#{file}]", subscribe].flatten.compact
      supervise(context, name, actions, sources)
      check(context, name, verify_timeout, verify_interval, verify_cmd) if verify
    end

    private

    def remove(context, dir)
      Ctx.dsl(context).directory("empty #{dir}") do
        path dir
        recursive true
        action :delete
      end
    end

    def write_unit(context, name, content)
      Ctx.dsl(context).execute("systemd reads #{name}") do
        command 'systemctl daemon-reload'
        action :nothing
      end
      Ctx.dsl(context).file(Unit.path(name)) do
        content content
        owner 'root'
        group 'root'
        mode '0644'
        notifies :run, "execute[systemd reads #{name}]", :immediately
      end
    end

    # Two services of one program would fight for its ports.
    def mask_vendor_unit(context, name, exec)
      vendor = Unit.vendor(exec)
      return if vendor.nil? || vendor == name

      Ctx.dsl(context).service("#{vendor} of the distribution") do
        service_name vendor
        action %i[disable stop mask]
        only_if { Unit.vendor?(vendor) }
      end
    end

    # Enabling is a resource of its own: the check must follow a start, not the link for the next boot.
    def supervise(context, name, actions, sources)
      running, others = [actions].flatten.partition { |action| %i[start restart reload].include?(action) }
      at_boot(context, name, others) unless others.empty?
      files, rest = sources.partition { |source| Health.file(source) }
      Ctx.dsl(context).service(name) do
        action running.empty? ? :nothing : running
        rest.each { |source| subscribes :restart, source, :delayed }
      end
      renew(context, name, files) unless files.empty? || running.empty?
    end

    def at_boot(context, name, actions)
      Ctx.dsl(context).service("#{name} at boot") do
        service_name name
        action actions
      end
    end

    # A restart where a file is newer than the process: not a second one for a service that has just started, and one
    # that a cut-off run still owes is made up for.
    def renew(context, name, files)
      paths = files.map { |source| Health.file(source) }
      Ctx.dsl(context).service("#{name} on newer files") do
        service_name name
        action :restart
        only_if { Health.outdated?(name, paths) }
        files.each { |source| subscribes :restart, source, :delayed }
      end
    end

    def check(context, name, timeout, interval, command)
      Ctx.dsl(context).ruby_block("verify #{name}") do
        block { Health.wait(name, timeout: timeout, interval: interval, command: command) }
        action :nothing
      end
      ["service[#{name}]", "service[#{name} on newer files]"].each { |source| watch(context, source, name) }
    end

    def watch(context, source, name)
      kind, declared = source.match(/\A(\w+)\[(.+)\]\z/).captures
      Ctx.find(context, kind, declared)&.notifies(:run, "ruby_block[verify #{name}]", :immediately)
    end
  end

  # systemd unit files.
  module Unit
    class << self
      def path(name) = "#{Constants::UNITS}/#{name}.service"

      def sections(name, exec:, cwd:, user:, group:, restart:, unit:)
        merge(defaults(name, exec, cwd, user, group, restart), unit)
      end

      def render(sections)
        sections.map { |section, entries| "[#{section}]\n#{lines(entries).join("\n")}\n" }.join("\n")
      end

      # The unit that the distribution would run this program by: named as the program is.
      def vendor(exec) = File.basename(Shellwords.split(exec.to_s.sub(/\A[-@:+!]+/, '')).first.to_s)
      def vendor?(name) = Constants::VENDOR_UNITS.any? { |dir| File.exist?("#{dir}/#{name}.service") }

      private

      def defaults(name, exec, cwd, user, group, restart)
        service = { 'Type' => 'simple', 'User' => user, 'Group' => group, 'WorkingDirectory' => cwd,
                    'ExecStart' => exec, 'Restart' => restart, 'RestartSec' => '2' }.compact
        { 'Unit' => { 'Description' => name, 'Wants' => 'network-online.target', 'After' => 'network-online.target' },
          'Service' => service, 'Install' => { 'WantedBy' => 'multi-user.target' } }
      end

      # nil takes a default away; a list writes its key several times.
      def merge(defaults, unit)
        unit.reduce(defaults) do |merged, (section, entries)|
          merged.merge(section.to_s => (merged[section.to_s] || {}).merge(entries.transform_keys(&:to_s)).compact)
        end
      end

      def lines(entries) = entries.flat_map { |key, value| [value].flatten.map { |item| "#{key}=#{item}" } }
    end
  end

  # Whether a unit really runs, and with the files that lie there now.
  module Health
    FILES = /\A(?:file|template|cookbook_file|remote_file)\[(\/.+)\]\z/

    class << self
      # The path behind the name of a file-like resource, nil for any other.
      def file(source) = source.to_s[FILES, 1]

      def outdated?(name, paths)
        shown = `systemctl show --timestamp=us+utc -p InactiveExitTimestamp --value #{name.shellescape}`.strip
        return false if shown.empty? || shown == 'n/a'

        started = Time.parse(shown)
        paths.any? { |path| File.exist?(path) && File.mtime(path) > started }
      end

      # Two good answers in a row from the same process: a service that dies at once is "active" for a moment too.
      def wait(name, timeout:, interval:, command: nil)
        limit = now + timeout
        before = nil
        until (found = pid(name, command)) && found == before
          failed(name, timeout) if now > limit
          before = found
          sleep(interval)
        end
      end

      private

      def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

      def pid(name, command)
        return nil if command && !system(command, out: File::NULL, err: File::NULL)

        state = `systemctl show -p ActiveState,MainPID #{name.shellescape}`
        state[/^MainPID=(\d+)$/, 1] if state.match?(/^ActiveState=active$/)
      end

      def failed(name, timeout)
        raise "#{name} is not active within #{timeout} s\n#{report(name)}"
      end

      def report(name)
        unit = name.shellescape
        "#{`systemctl status --no-pager --full #{unit} 2>&1`}\n#{`journalctl --no-pager -n 40 -u #{unit} 2>&1`}"
      end
    end
  end
end
