# frozen_string_literal: true

require 'etc'
require 'socket'

module GitOps
  # The node that recipes see: four levels of attributes, the JSON file's among them as "normal".
  class Node
    attr_reader :default, :normal, :override, :automatic, :run_state, :name

    alias set normal
    alias default_unless default

    def initialize(attributes)
      @default = WritableMash.new
      @normal = WritableMash.of(attributes)
      @override = WritableMash.new
      @automatic = Mash.of(Facts.gather)
      @run_state = Mash.new
      @name = @automatic['hostname']
    end

    def [](key) = merged[key]
    def read(*keys) = merged.dig(*keys)
    alias dig read

    def key?(key) = merged.key?(key)
    alias attribute? key?

    def fetch(...) = merged.fetch(...)
    def to_hash = merged
    alias to_h to_hash

    # What an attributes file calls itself.
    def node = self

    def chef_environment = '_default'
    def platform?(*names) = names.map(&:to_s).include?(automatic['platform'])
    def platform_family?(*names) = names.map(&:to_s).include?(automatic['platform_family'])

    # An attributes file runs with the node as self, as in Chef.
    def from_file(path) = instance_eval(File.read(path), path, 1)

    def inspect = "node[#{name}]"

    private

    # Recipes write into nested levels at any time, so the merged view is never kept.
    def merged = [default, normal, override, automatic].reduce { |low, high| Mash.merge(low, high) }
  end

  # What the machine says of itself, as far as cookbooks ask.
  module Facts
    module_function

    def gather
      release = os_release
      { 'hostname' => Socket.gethostname.split('.').first, 'fqdn' => Socket.gethostname, 'os' => 'linux',
        'ipaddress' => address, 'platform' => release['ID'], 'platform_family' => 'debian',
        'platform_version' => release['VERSION_ID'], 'lsb' => { 'codename' => release['VERSION_CODENAME'] },
        'kernel' => { 'machine' => Etc.uname[:machine] }, 'cpu' => { 'total' => Etc.nprocessors } }
    end

    def os_release
      File.readlines('/etc/os-release', chomp: true).filter_map { |line| line.split('=', 2) if line.include?('=') }
          .to_h.transform_values { |value| value.delete('"') }
    end

    def address = Socket.ip_address_list.find { |item| item.ipv4? && !item.ipv4_loopback? }&.ip_address
  end
end
