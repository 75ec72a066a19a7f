# frozen_string_literal: true

module GitOps
  # Debian packages, several of them in one apt run.
  class Package < Resource
    DEFAULT_ACTION = :install
    provides :package, :apt_package
    property :package_name, from_name: true
    property :version
    property :options
    property :timeout

    APT = ['apt-get', '-y', '-q', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3',
           '-o', 'Dpkg::Options::=--force-confdef', '-o', 'Dpkg::Options::=--force-confold'].freeze

    def action_install
      wanted = pairs.reject { |name, version| version ? installed[name] == version : installed[name] }
      return if wanted.empty?

      change("install #{wanted.map(&:first).join(', ')}") { install(wanted) }
    end

    def action_upgrade
      action_install
      return if version

      before = installed
      install(pairs)
      changed = names.reject { |name| installed[name] == before[name] }
      change("upgrade #{changed.join(', ')}") { nil } unless changed.empty?
    end

    def action_remove(verb = 'remove')
      present = names.select { |name| installed[name] }
      change("#{verb} #{present.join(', ')}") { apt(verb, *present) } unless present.empty?
    end

    def action_purge = action_remove('purge')

    private

    def names = [package_name].flatten
    def pairs = names.zip([version].flatten)

    def install(wanted)
      targets = wanted.map { |name, version| version ? "#{name}=#{version}" : name }
      apt('install', *targets)
    rescue CommandFailed
      # The package index may be older than the mirror.
      apt('update')
      apt('install', *targets)
    end

    def apt(*arguments)
      extra = [options].flatten.compact.flat_map(&:split)
      Commands.run([*APT, *extra, *arguments], environment: { DEBIAN_FRONTEND: 'noninteractive' }, timeout: timeout).error!
    end

    # Versions of the packages that are whole.
    def installed
      query = ['dpkg-query', '-W', '-f', '${binary:Package} ${Version} ${db:Status-Status}\n', *names]
      Commands.run(query).stdout.lines.map(&:split).filter_map { |name, version, status| [name.split(':').first, version] if status == 'installed' }.to_h
    end
  end

  # Refreshes the package index when it is older than `frequency` seconds.
  class AptUpdate < Resource
    DEFAULT_ACTION = :periodic
    provides :apt_update
    property :frequency, default: 86_400
    STAMP = '/var/lib/apt/lists'

    def action_periodic
      action_update if Time.now - ::File.mtime(STAMP) > frequency
    end

    def action_update = change('update') { Commands.run([*Package::APT, 'update']).error! }
  end
end
