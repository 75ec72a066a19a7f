# frozen_string_literal: true

module GitOps
  # Reads a cookbook, runs its resources, then the delayed notifications; says how it ended as an event.
  class Runner < Itamae::Runner
    attr_reader :cookbook_name

    def self.converge(root, cookbook)
      Place.root = root
      runner = new(Itamae::Backend.create(:local, {}), { tmp_dir: File.join(root, 'tmp') }, root, cookbook)
      runner.converge
      Events.emit(:done)
      true
    rescue Failure => e
      Events.emit(:failed, **e.event)
      false
    end

    def initialize(backend, options, root, cookbook)
      @root = root
      @cookbook_name = cookbook
      @links = Hash.new { |links, source| links[source] = [] }
      @delayed = []
      super(backend, options)
    end

    def converge
      read
      link
      # Chef runs what was notified also after a failure, so that a changed file does not stay unread.
      failures = [failure_of { children.run }, failure_of { run_delayed }].compact
      raise failures.first unless failures.empty?
    end

    def notify(resource)
      @links[resource].each do |notification|
        next notification.target.run_action(notification.action) if notification.immediate?

        @delayed << notification unless @delayed.any? { |known| known.same_as?(notification) }
      end
    end

    # Resources by Chef's spelling, "kind[name]" or "kind[name,name]", or a resource itself.
    def resources_named(description)
      return [description] if description.is_a?(Resource)

      kind, names = description.to_s.match(/\A(\w+)\[(.+)\]\z/m)&.captures
      raise ArgumentError, "'#{description}' does not name a resource as kind[name]" unless kind

      find(kind, names) || names.split(',').map { |name| find(kind, name.strip) || missing(kind, name) }.flatten
    end

    def include_recipe(name, from)
      cookbook, recipe = name.include?('::') ? name.split('::', 2) : [name, 'default']
      path = File.join(@root, 'cookbooks', cookbook.empty? ? cookbook_name : cookbook, 'recipes', "#{recipe}.rb")
      raise ArgumentError, "include_recipe '#{name}': this cookbook has no such recipe" unless File.exist?(path)
      return if children.find_recipe_by_path(path)

      load_recipe(path, from.children)
    end

    def cookbook_path(*parts) = File.join(@root, 'cookbooks', cookbook_name, *parts)

    private

    def failure_of
      yield
      nil
    rescue Failure => e
      e
    end

    def create_node = Node.new(JSON.parse(File.read(File.join(@root, 'attributes.json'))))

    def read
      Dir[File.join(@root, 'libraries', '*.rb'), cookbook_path('libraries', '*.rb')].sort.each { |file| require file }
      attribute_files.each { |file| node.from_file(file) }
      load_recipe(cookbook_path('recipes', 'default.rb'), children)
    rescue Failure
      raise
    rescue StandardError, ScriptError => e
      raise Failure.of_recipe(e)
    end

    def attribute_files = Dir[cookbook_path('attributes', '*.rb')].sort_by { |file| [file.end_with?('default.rb') ? 0 : 1, file] }

    def load_recipe(path, siblings)
      recipe = Recipe.new(self, path)
      siblings << recipe
      recipe.load
    end

    def link
      children.resources.flat_map(&:wishes).flat_map { |wish| wish.resolve(self) }.each do |notification|
        @links[notification.source] << notification
      end
    end

    def run_delayed
      # A restart may itself notify: take one at a time until none is left.
      while (notification = @delayed.shift)
        notification.target.run_action(notification.action)
      end
    end

    def find(kind, name)
      found = children.resources.select { |item| item.declared_kind.to_s == kind && item.to_s == "#{kind}[#{name}]" }
      found.empty? ? nil : [found.last]
    end

    def missing(kind, name) = raise(ArgumentError, "no resource #{kind}[#{name}] is declared")
  end
end
