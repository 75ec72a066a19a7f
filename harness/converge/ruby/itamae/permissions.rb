# frozen_string_literal: true

require 'etc'
require 'fileutils'

module GitOps
  # Owner, group and mode of a path; a property left out is left alone.
  module Permissions
    private

    def wanted_uid = owner && Commands.uid(owner)
    def wanted_gid = group && Commands.gid(group)
    def wanted_mode = mode && Commands.integer(mode)

    def change_permissions(path)
      stat = ::File.stat(path)
      if differs?(wanted_uid, stat.uid) || differs?(wanted_gid, stat.gid)
        change("owner #{owner}:#{group}") { ::File.chown(wanted_uid, wanted_gid, path) }
      end
      return unless differs?(wanted_mode, ::File.stat(path).mode & 0o7777)

      change("mode #{format('%04o', wanted_mode)}") { ::File.chmod(wanted_mode, path) }
    end

    def differs?(wanted, found) = !wanted.nil? && wanted != found
  end
end
