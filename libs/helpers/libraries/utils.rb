# frozen_string_literal: true

require 'json'
require 'net/http'
require 'open3'
require 'rbconfig'
require 'socket'
require 'uri'

# Waiting, fetching, and facts about the machine.
module Utils
  REDIRECTS = 5

  class << self
    # Debian's name of this architecture.
    def arch(_node = nil)
      { 'x86_64' => 'amd64', 'aarch64' => 'arm64', 'arm64' => 'arm64' }.fetch(RbConfig::CONFIG['host_cpu']) { |cpu| cpu }
    end

    # Waits until a URL answers below 500 or a host:port accepts; false when it does not within `timeout` seconds.
    def wait(target, timeout: 60, interval: 0.5)
      limit = Process.clock_gettime(Process::CLOCK_MONOTONIC) + timeout
      until answers?(target)
        return false if Process.clock_gettime(Process::CLOCK_MONOTONIC) > limit

        sleep(interval)
      end
      true
    end

    # One HTTP request; the response is Net::HTTP's, redirects of GET are followed.
    def request(url, method: :get, headers: {}, body: nil, user: nil, password: nil, redirects: REDIRECTS)
      uri = URI(url)
      request = build(uri, method, headers, body, user, password)
      response = Net::HTTP.start(uri.host, uri.port, use_ssl: uri.scheme == 'https', open_timeout: 15,
                                                     read_timeout: 60) { |http| http.request(request) }
      return response unless response.is_a?(Net::HTTPRedirection) && method.to_sym == :get && redirects.positive?

      # Credentials stay with the host that they were meant for.
      request(URI.join(url, response['location']).to_s, redirects: redirects - 1)
    end

    # Fetches a URL to a path, whole or not at all.
    def download(url, path, mode: 0o644)
      response = request(url)
      raise IOError, "#{url} answers #{response.code}" unless response.is_a?(Net::HTTPSuccess)

      part = "#{path}.part"
      File.binwrite(part, response.body)
      File.chmod(mode, part)
      File.rename(part, path)
      path
    end

    # A tar.gz of a data directory below /share/snapshots, verified by unpacking; `restore: true` unpacks the newest
    # into an empty directory, and does nothing when there is none.
    def snapshot(context, dir, restore: false)
      name = Ctx.dsl(context).cookbook_name.to_s
      restore ? Snapshot.restore(context, dir, name) : Snapshot.take(context, dir, name)
    end

    %i[install proxmox].each do |name|
      define_method(name) { |*, **| raise NotImplementedError, "Utils.#{name} #{Constants::LATER}" }
    end

    private

    def answers?(target)
      return request(target).code.to_i < 500 if target.include?('://')

      host, port = target.split(':')
      Socket.tcp(host, port.to_i, connect_timeout: 2, &:close)
      true
    rescue SystemCallError, SocketError, IOError, Timeout::Error, OpenSSL::SSL::SSLError
      false
    end

    def build(uri, method, headers, body, user, password)
      request = Net::HTTP.const_get(method.to_s.capitalize).new(uri, headers.transform_keys(&:to_s))
      request.basic_auth(user, password) if user
      request.body = body.is_a?(Hash) ? JSON.generate(body) : body
      request['Content-Type'] ||= 'application/json' if body.is_a?(Hash)
      request
    end
  end
end
