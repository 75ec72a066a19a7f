# frozen_string_literal: true

module GitOps
  # A systemd unit.
  class Service < Resource
    DEFAULT_ACTION = :nothing
    provides :service, :systemd_service
    property :service_name, from_name: true
    %i[supports provider timeout pattern].each { |name| property name }

    ENABLED = %w[enabled enabled-runtime static alias generated indirect].freeze

    def action_enable
      systemctl('enable') unless ENABLED.include?(state['UnitFileState'])
    end

    def action_disable
      systemctl('disable') if %w[enabled enabled-runtime].include?(state['UnitFileState'])
    end

    def action_start
      systemctl('start') unless running?
    end

    def action_stop
      systemctl('stop') if %w[active activating reloading].include?(state['ActiveState'])
    end

    def action_restart = systemctl('restart')

    def action_reload
      systemctl('reload') if running?
    end

    def action_mask
      systemctl('mask') unless state['LoadState'] == 'masked'
    end

    def action_unmask
      systemctl('unmask') if state['LoadState'] == 'masked'
    end

    private

    def running? = state['ActiveState'] == 'active'

    def state
      query = ['systemctl', 'show', '-p', 'ActiveState,UnitFileState,LoadState', unit]
      Commands.run(query).stdout.lines(chomp: true).to_h { |line| line.split('=', 2) }
    end

    def unit = service_name.include?('.') ? service_name : "#{service_name}.service"

    def systemctl(verb)
      change(verb) do
        result = Commands.run(['systemctl', verb, unit], timeout: timeout)
        raise CommandFailed, explained(result) if result.error?
      end
    end

    # Why a unit does not start is in its journal, not in what systemctl prints.
    def explained(result)
      journal = Commands.run(['journalctl', '--no-pager', '-n', '30', '-u', unit])
      CommandResult.new(result.command, result.stdout, "#{result.stderr}#{journal.stdout}", result.exitstatus)
    end
  end
end
