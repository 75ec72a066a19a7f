# frozen_string_literal: true

require 'net/http'
require 'uri'

module GitOps
  # Fetches a URL over http, https (verified) or file, following redirects.
  module Download
    LIMIT = 5

    module_function

    def get(url, headers: {}, redirects: LIMIT)
      uri = URI(url)
      return ::File.binread(uri.path) if uri.scheme == 'file'

      response = request(uri, headers)
      case response
      when Net::HTTPSuccess then response.body.b
      when Net::HTTPRedirection then follow(uri, response, headers, redirects)
      else raise IOError, "#{url} answers #{response.code} #{response.message}"
      end
    end

    def request(uri, headers)
      options = { use_ssl: uri.scheme == 'https', open_timeout: 15, read_timeout: 120 }
      Net::HTTP.start(uri.host, uri.port, options) { |http| http.get(uri.request_uri, headers.transform_keys(&:to_s)) }
    end

    def follow(uri, response, headers, redirects)
      raise IOError, "#{uri} redirects more than #{LIMIT} times" if redirects.zero?

      get(URI.join(uri, response['location']).to_s, headers: headers, redirects: redirects - 1)
    end
  end
end
