# frozen_string_literal: true

require 'etc'

module GitOps
  # A user account.
  class User < Resource
    DEFAULT_ACTION = :create
    provides :user, :linux_user
    property :username, from_name: true
    property :manage_home, default: false
    property :system, default: false
    %i[uid gid home shell comment password].each { |name| property name }

    def action_create
      found ? modify : add
      set_password if password
    end

    def action_remove
      change('remove') { tool('userdel', *(manage_home ? ['-r'] : [])) } if found
    end

    alias action_manage action_create
    alias action_modify action_create

    private

    def found
      Etc.getpwnam(username)
    rescue ArgumentError
      nil
    end

    def modify
      arguments = differences(found)
      change("modify #{arguments.join(' ')}") { tool('usermod', *arguments) } unless arguments.empty?
    end

    def add
      change('create') { tool('useradd', *flags, *(system ? ['--system'] : []), manage_home ? '-m' : '-M') }
    end

    def flags
      { '-u' => uid, '-g' => gid, '-d' => home, '-s' => shell, '-c' => comment }
        .compact.flat_map { |flag, value| [flag, value.to_s] }
    end

    def differences(found)
      { '-u' => [uid, found.uid], '-g' => [gid && Commands.gid(gid), found.gid], '-d' => [home, found.dir],
        '-s' => [shell, found.shell], '-c' => [comment, found.gecos] }
        .reject { |_, (wanted, there)| wanted.nil? || wanted == there }
        .flat_map { |flag, (wanted, _)| [flag, wanted.to_s] }
    end

    # The hash goes in on standard input: an argument would be seen by every user.
    def set_password
      current = Commands.run(['getent', 'shadow', username]).stdout.split(':')[1]
      return if current == password

      change('set password') { Commands.run(['chpasswd', '-e'], input: "#{username}:#{password}\n").error! }
    end

    def tool(name, *arguments) = Commands.run([name, *arguments, username]).error!
  end

  # A group and its members.
  class Group < Resource
    DEFAULT_ACTION = :create
    provides :group
    property :group_name, from_name: true
    property :members, default: []
    property :append, default: false
    property :system, default: false
    property :gid

    def action_create
      change('create') { tool('groupadd', *flags) } unless found
      change("gid #{gid}") { tool('groupmod', *flags) } if gid && found.gid != gid
      change_members
    end

    alias action_manage action_create
    alias action_modify action_create

    def action_remove
      change('remove') { tool('groupdel') } if found
    end

    private

    def found
      Etc.getgrnam(group_name)
    rescue ArgumentError
      nil
    end

    def flags = [*(gid ? ['-g', gid.to_s] : []), *(system ? ['--system'] : [])]

    def change_members
      return if @values[:members].nil?

      present = found.mem
      wanted = append ? present | [members].flatten : [members].flatten
      change("members #{wanted.join(', ')}") { tool('gpasswd', '-M', wanted.join(',')) } unless wanted.sort == present.sort
    end

    def tool(name, *arguments) = Commands.run([name, *arguments, group_name]).error!
  end
end
