# frozen_string_literal: true

module GitOps
  # A directory with given owner and mode.
  class Directory < Resource
    include Permissions
    DEFAULT_ACTION = :create
    provides :directory
    property :path, from_name: true
    property :recursive, default: false
    %i[owner group mode].each { |name| property name }

    def action_create
      make unless ::File.directory?(path)
      change_permissions(path)
    end

    def action_delete
      return unless ::File.directory?(path)

      change('delete') { recursive ? FileUtils.rm_rf(path) : Dir.rmdir(path) }
    end

    private

    def make
      change('create') { recursive ? FileUtils.mkdir_p(path) : Dir.mkdir(path) }
    end
  end

  # A symbolic or hard link.
  class Link < Resource
    DEFAULT_ACTION = :create
    provides :link
    property :target_file, from_name: true
    property :to
    property :link_type, default: :symbolic
    %i[owner group mode].each { |name| property name }

    def action_create
      return if linked?

      change("link to #{to}") do
        link_type.to_sym == :hard ? FileUtils.ln(to, target_file, force: true) : replace
      end
    end

    def action_delete
      change('delete') { ::File.unlink(target_file) } if ::File.symlink?(target_file)
    end

    private

    def linked?
      return ::File.exist?(target_file) && ::File.identical?(to, target_file) if link_type.to_sym == :hard

      ::File.symlink?(target_file) && ::File.readlink(target_file) == to
    end

    def replace
      ::File.unlink(target_file) if ::File.symlink?(target_file)
      raise Errno::EEXIST, "#{target_file} is a directory" if ::File.directory?(target_file)

      FileUtils.ln_s(to, target_file, force: true)
    end
  end

  # A whole folder of the cookbook's files, laid down file by file.
  class RemoteDirectory < Resource
    include Permissions
    DEFAULT_ACTION = :create
    provides :remote_directory
    property :path, from_name: true
    property :source
    property :purge, default: false
    %i[owner group mode files_owner files_group files_mode recursive cookbook files_backup].each { |name| property name }

    def action_create
      lay(:directory, path, owner: owner, group: group, mode: mode)
      wanted = entries
      wanted.each { |relative| lay_entry(relative) }
      remove_others(wanted) if purge
    end

    def action_delete
      change('delete') { FileUtils.rm_rf(path) } if ::File.directory?(path)
    end

    private

    def root
      [%w[files], %w[files default]].map { |parts| recipe.runner.cookbook_path(*parts, source || ::File.basename(path)) }
                                    .find { |folder| ::File.directory?(folder) } ||
        raise(Errno::ENOENT, "#{source} is no folder below files/ of the cookbook")
    end

    def entries = Dir.glob('**/*', ::File::FNM_DOTMATCH, base: root).reject { |item| item.end_with?('.') }.sort

    def lay_entry(relative)
      from = ::File.join(root, relative)
      to = ::File.join(path, relative)
      return lay(:directory, to, owner: owner, group: group, mode: mode) if ::File.directory?(from)

      lay(:file, to, content: ::File.binread(from), owner: files_owner, group: files_group, mode: files_mode)
    end

    # Through the single resources, so that their rules hold here too.
    def lay(kind, at, **properties)
      resource = Registry[kind].new(recipe, kind, at)
      resource.recursive(true) if kind == :directory
      properties.compact.each { |name, value| resource.public_send(name, value) }
      resource.action_create
      @updated ||= resource.updated_by_last_action?
    end

    def remove_others(wanted)
      others = Dir.glob('**/*', ::File::FNM_DOTMATCH, base: path).reject { |item| item.end_with?('.') } - wanted
      others.sort.reverse_each { |item| change("delete #{item}") { FileUtils.rm_rf(::File.join(path, item)) } }
    end
  end
end
