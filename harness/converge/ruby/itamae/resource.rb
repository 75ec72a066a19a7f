# frozen_string_literal: true

module GitOps
  # Which class supplies which resource name.
  module Registry
    @classes = {}

    def self.add(name, klass) = @classes[name.to_sym] = klass
    def self.[](name) = @classes[name.to_sym]
    def self.names = @classes.keys.sort
  end

  # A resource with Chef's rules: properties, guards, actions, notifications.
  class Resource < Itamae::Resource::Base
    UNSET = Object.new.freeze
    include Dsl

    class << self
      def provides(*names) = names.each { |name| Registry.add(name, self) }
      def properties = @properties ||= superclass.respond_to?(:properties) ? superclass.properties.dup : {}

      # Declares a property: called with a value it sets, without one it reads.
      def property(name, default: nil, from_name: false)
        properties[name] = { default: default, from_name: from_name }
        define_method(name) do |value = UNSET, &block|
          value = block if value.equal?(UNSET) && block
          value.equal?(UNSET) ? read_property(name) : @values[name] = value
        end
      end
    end

    attr_reader :name, :declared_kind, :place

    def initialize(recipe, kind, name, &block) # rubocop:disable Lint/MissingSuper -- Itamae's reads other attributes
      @recipe = recipe
      @declared_kind = kind
      @name = @resource_name = name.is_a?(Array) ? name : name.to_s
      @values = {}
      @guards = []
      @wishes = []
      @notifications = []
      @subscriptions = []
      @place = Place.here
      instance_eval(&block) if block
    end

    property :action
    property :ignore_failure, default: false
    property :retries, default: 0
    property :retry_delay, default: 2
    property :sensitive, default: false
    %i[backup atomic_update force_unlink manage_symlink_source live_stream umask].each { |name| property name }

    attr_reader :wishes

    def to_s = "#{declared_kind}[#{[name].flatten.join(', ')}]"
    def node = recipe.runner.node
    def cookbook_name = recipe.runner.cookbook_name
    def recipe_name = ::File.basename(recipe.path, '.rb')
    def updated_by_last_action? = @updated
    alias updated? updated_by_last_action?

    def notifies(action, target, timing = :delayed)
      @wishes << Wish.new(self, action, target, timing, backwards: false)
    end

    def subscribes(action, source, timing = :delayed)
      @wishes << Wish.new(self, action, source, timing, backwards: true)
    end

    def only_if(command = nil, **options, &block) = @guards << Guard.new(command || block, options, true)
    def not_if(command = nil, **options, &block) = @guards << Guard.new(command || block, options, false)

    # Itamae calls this for each resource of a recipe; a notification names the one action it wants.
    def run(specific_action = nil)
      [specific_action || action || default_action].flatten.each { |name| run_action(name.to_sym) }
    end

    def run_action(name)
      return if name == :nothing

      started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
      @updated = false
      perform(name) if @guards.all? { |guard| guard.holds?(self) }
      Events.emit(:resource, kind: declared_kind, name: [self.name].flatten.join(', '), action: name,
                             changed: @updated, place: place,
                             seconds: Process.clock_gettime(Process::CLOCK_MONOTONIC) - started)
      recipe.runner.notify(self) if @updated
    rescue Failure
      raise
    rescue StandardError, ScriptError => e
      fail_with(e, name)
    end

    # Guards of a command run as that command does.
    def guard_options = {}

    private

    def default_action = self.class::DEFAULT_ACTION

    def read_property(name)
      value = @values.fetch(name) do
        details = self.class.properties.fetch(name)
        details[:from_name] ? self.name : details[:default]
      end
      value.is_a?(Lazy) ? instance_exec(&value.block) : value
    end

    def perform(name)
      unless respond_to?(:"action_#{name}")
        raise NoMethodError, "#{declared_kind} has no action :#{name} under Itamae"
      end

      attempts = retries.to_i
      begin
        public_send(:"action_#{name}")
      rescue StandardError
        raise if (attempts -= 1).negative?

        sleep(retry_delay)
        retry
      end
    end

    # Say what changes and do it: the only way in which a resource becomes "changed".
    def change(text)
      Itamae.logger.info "#{self}: #{text}"
      result = yield
      @updated = true
      result
    end

    def fail_with(error, action)
      message, *rest = error.message.lines(chomp: true)
      output = [*rest, *(error.output if error.respond_to?(:output))].join("\n")
      message = "#{error.class} (the resource is sensitive)" if sensitive
      return Itamae.logger.warn("#{self}: #{message} (ignored)") if ignore_failure

      raise Failure.new(message, place: place, resource: self, action: action, output: sensitive ? '' : output)
    end

    def method_missing(name, *)
      raise NoMethodError, "#{declared_kind} has no property '#{name}' under Itamae"
    end

    def respond_to_missing?(*) = false
  end

  # A condition: a command that must (or must not) succeed, or a block that must (or must not) be true.
  Guard = Struct.new(:condition, :options, :wanted) do
    def holds?(resource) = truth(resource) == wanted

    def truth(resource)
      return condition.call ? true : false if condition.is_a?(Proc)

      !Commands.run(condition, **resource.guard_options, **options).error?
    end
  end
end
