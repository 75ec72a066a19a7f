# frozen_string_literal: true


module GitOps
  # A file fetched from a URL: kept when its checksum is the wanted one, else fetched and compared.
  class RemoteFile < FileResource
    provides :remote_file
    property :source
    property :headers, default: {}
    %i[use_etag use_last_modified use_conditional_get ftp_active_mode show_progress].each { |name| property name }

    def action_create
      present? ? change_permissions(path) : super
    end

    private

    def present? = !checksum.nil? && ::File.file?(path) && Digest::SHA256.file(path).hexdigest == checksum.downcase

    def desired
      @desired ||= [source].flatten.lazy.filter_map { |url| fetch(url) }.first ||
                   raise(IOError, "none of #{[source].flatten.join(', ')} could be fetched")
    end

    def fetch(url)
      bytes = Download.get(url, headers: headers)
      found = Digest::SHA256.hexdigest(bytes)
      return bytes if checksum.nil? || found == checksum.downcase

      raise IOError, "#{url} has the SHA-256 #{found}, wanted is #{checksum}"
    end
  end
end
