# frozen_string_literal: true

require 'json'
require 'net/http'
require 'openssl'
require 'uri'

# Values from outside the recipe: attributes, the process environment, the forge's variables.
module Env
  NAME = /\A[A-Z_][A-Z0-9_]*\z/
  # What the forge keeps for itself, and what the harness works with.
  RESERVED = /\A(?:GITEA_|GITHUB_|GITOPS_|PVE_|PROXMOX_|CI\z|LOGIN\z|PASSWORD\z)/

  class << self
    # The node's attribute, else the process environment (as written, then in capitals), else the forge's variable of
    # the organisation, else nil with a warning.
    def get(node, key)
      value = Ctx.node(node)[key.to_s]
      return value unless value.nil?

      found = ENV[key.to_s] || ENV[key.to_s.upcase] || Variables.of(node)&.read(key.to_s.upcase)
      Logs.warn("#{key} is neither an attribute nor in the environment nor a variable of the forge") if found.nil?
      found
    end

    # Login and password that all containers share.
    def creds(node, login = 'login', password = 'password')
      [get(node, login), get(node, password)]
    end

    # Writes a variable of the forge's organisation: a name that globals.json has, or one that begins with the
    # container's own (BROKER_…). Other names are refused. Written only when it differs; true when it was.
    def set(node, key, value)
      name = key.to_s.upcase
      refuse(name, 'is no name for a variable') unless NAME.match?(name)
      refuse(name, 'is not for recipes to write') if RESERVED.match?(name) || !own?(node, name)
      Variables.of!(node, name).write(name, value.to_s)
    end

    # Writes several values under the container's name (ip → BROKER_IP); with `repo` as variables of that repository.
    def dump(context, *keys, repo: nil)
      node = Ctx.node(context)
      keys.each do |key|
        value = facts(node)[key.to_s] || get(node, key)
        next if value.nil?

        set(node, "#{prefix(node)}#{key}", value) unless repo
        Variables.of!(node, key).write(key.to_s.upcase, value.to_s, repo: repo) if repo
      end
    end

    private

    def own?(node, name) = name.start_with?(prefix(node)) || Variables.names(node).include?(name)
    def container(node) = (Ctx.node(node)['forge'] || {})['container'].to_s
    def prefix(node) = "#{container(node).upcase.gsub(/[^A-Z0-9]/, '_')}_"
    def facts(node) = Ctx.node(node)[container(node)] || {}
    def refuse(name, why) = raise(ArgumentError, "Env.set: #{name} #{why}")
  end

  # The forge's variables of one organisation, as the account of the recipes sees them.
  class Variables
    class << self
      # nil where the harness has handed over no forge.
      def of(node)
        found = Ctx.node(node)['forge']
        found && new(found)
      end

      def of!(node, name) = of(node) || raise("#{name} cannot be written: this harness has no forge")
      def names(node) = ((Ctx.node(node)['forge'] || {})['names'] || []).map { |name| name.to_s.upcase }
    end

    def initialize(forge)
      @url = forge['url'].chomp('/')
      @token = forge['token']
      @organisation = forge['organisation']
      @ca = forge['ca']
    end

    def read(name)
      response = call('Get', path(name))
      response.code == '404' ? nil : JSON.parse(good(response, name).body)['data']
    end

    def write(name, value, repo: nil)
      where = path(name, repo)
      known = call('Get', where)
      if known.code == '404'
        good(call('Post', where, value: value), name)
        return true
      end
      return false if JSON.parse(good(known, name).body)['data'] == value

      good(call('Put', where, value: value), name)
      true
    end

    private

    def path(name, repo = nil)
      owner = repo ? "repos/#{repo.include?('/') ? repo : "#{@organisation}/#{repo}"}" : "orgs/#{@organisation}"
      "/api/v1/#{owner}/actions/variables/#{name}"
    end

    def call(method, path, body = nil)
      uri = URI("#{@url}#{path}")
      request = Net::HTTP.const_get(method).new(uri, 'Authorization' => "token #{@token}", 'Accept' => 'application/json')
      if body
        request.body = JSON.generate(body)
        request['Content-Type'] = 'application/json'
      end
      Net::HTTP.start(uri.host, uri.port, **options(uri)) { |http| http.request(request) }
    end

    def options(uri)
      found = { use_ssl: uri.scheme == 'https', open_timeout: 10, read_timeout: 30 }
      return found unless @ca && uri.scheme == 'https'

      store = OpenSSL::X509::Store.new
      @ca.scan(/-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/m) { |pem| store.add_cert(OpenSSL::X509::Certificate.new(pem)) }
      found.merge(cert_store: store)
    end

    # The answer, when it is a good one; the token stands in no message.
    def good(response, name)
      return response if response.is_a?(Net::HTTPSuccess)

      raise "the forge answers #{response.code} for the variable #{name} of #{@organisation}"
    end
  end
end
