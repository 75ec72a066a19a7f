# frozen_string_literal: true

require 'digest'
require 'erb'
require 'tempfile'

module GitOps
  # A file with given content, owner and mode.
  class FileResource < Resource
    include Permissions
    DEFAULT_ACTION = :create
    provides :file
    property :path, from_name: true
    property :content
    %i[owner group mode checksum].each { |name| property name }
    alias user owner

    def verify(command = nil, &block) = (@verifications ||= []) << (command || block)

    def action_create
      write(desired) if desired_differs?
      change_permissions(path)
    end

    def action_create_if_missing
      action_create unless ::File.exist?(path)
    end

    def action_delete
      change('delete') { ::File.unlink(path) } if ::File.exist?(path) || ::File.symlink?(path)
    end

    def action_touch
      action_create
      change('touch') { FileUtils.touch(path) }
    end

    private

    # The bytes wanted, or nil where only owner and mode are managed. Read once an action.
    def desired
      content&.to_s&.b
    end

    def desired_differs?
      return !::File.exist?(path) if desired.nil?

      !::File.file?(path) || ::File.binread(path) != desired
    end

    def write(bytes)
      target = ::File.symlink?(path) ? ::File.realpath(path) : path
      folder = ::File.dirname(target)
      raise Errno::ENOENT, "the directory #{folder} does not exist" unless ::File.directory?(folder)

      change(::File.exist?(target) ? 'update content' : 'create') { replace(target, folder, bytes || '') }
    end

    # Written beside its target with its final owner and mode, then renamed: never half a file, never readable by others.
    def replace(target, folder, bytes)
      temporary = Tempfile.create('.gitops', folder, mode: ::File::BINARY)
      temporary.write(bytes)
      temporary.close
      prepare(temporary.path, target)
      check(temporary.path)
      ::File.rename(temporary.path, target)
    rescue StandardError
      ::File.unlink(temporary.path) if temporary && ::File.exist?(temporary.path)
      raise
    end

    def prepare(temporary, target)
      before = ::File.exist?(target) ? ::File.stat(target) : nil
      ::File.chown(before.uid, before.gid, temporary) if before
      ::File.chown(wanted_uid, wanted_gid, temporary)
      ::File.chmod(wanted_mode || before&.mode&.&(0o7777) || 0o644, temporary)
    end

    def check(temporary)
      (@verifications || []).each do |verification|
        next verify_block(verification, temporary) if verification.is_a?(Proc)

        result = Commands.run(format(verification, path: temporary))
        raise CommandFailed.new(result, shown: 'verify') if result.error?
      end
    end

    def verify_block(block, temporary)
      raise ArgumentError, "the content of #{path} did not pass its verify block" unless block.call(temporary)
    end
  end

  # A file that lies in the cookbook's files folder.
  class CookbookFile < FileResource
    provides :cookbook_file
    property :source
    property :cookbook

    private

    def desired = ::File.binread(find_source('files', source || ::File.basename(path)))

    def find_source(folder, name)
      candidates = [name].flatten.flat_map do |item|
        [[folder, item], [folder, 'default', item]].map { |parts| recipe.runner.cookbook_path(*parts) }
      end
      candidates.find { |file| ::File.exist?(file) } ||
        raise(Errno::ENOENT, "#{name} is in neither #{folder}/ nor #{folder}/default/ of the cookbook")
    end
  end

  # A file rendered from the cookbook's templates folder.
  class Template < CookbookFile
    provides :template
    property :variables, default: {}
    property :local, default: false

    private

    def desired
      name = source || "#{::File.basename(path)}.erb"
      file = local ? name : find_source('templates', name)
      Page.new(node, variables).render(file).b
    end

    # What a template sees: its variables as @name, the node, and every helper module.
    class Page
      attr_reader :node

      def initialize(node, variables)
        @node = node
        variables.each { |key, value| instance_variable_set("@#{key}", value) }
      end

      def render(file)
        page = ERB.new(::File.read(file), trim_mode: '-')
        page.filename = file
        page.result(binding)
      end
    end
  end
end
