# frozen_string_literal: true

module GitOps
  # What went wrong, where in the cookbook, with what the failing program printed.
  class Failure < StandardError
    attr_reader :resource, :action, :place, :output

    def initialize(message, place:, resource: nil, action: nil, output: '')
      @resource = resource
      @action = action
      @place = place
      @output = output
      super(message)
    end

    # A recipe that cannot be read: its first line says what, the rest (a syntax error shows the code) is evidence.
    def self.of_recipe(error)
      place = Place.of(error)
      first, *rest = Place.without_root(error.message).lines(chomp: true)
      new(first.to_s.delete_prefix(place).delete_prefix(':').strip, place: place, output: rest.join("\n"))
    end

    def event
      { kind: resource&.declared_kind, name: resource&.name, action: action, place: place, message: message,
        output: output }
    end
  end

  # A recipe uses a name that this layer does not supply.
  class UnknownResource < StandardError
    def initialize(name)
      super("the resource '#{name}' is not supplied under Itamae; supplied are: #{Registry.names.join(', ')}")
    end
  end

  # Finds the line of the cookbook in a backtrace or in a syntax error's own text.
  module Place
    module_function

    def root=(path)
      @root = path
    end

    def of(error)
      lines = [*error.backtrace, *error.message.lines]
      lines.map { |line| short(line) }.find { |line| !line.empty? } || ''
    end

    # The cookbook's own line on whose behalf a resource is declared, also through a helper module.
    def here = caller.map { |line| short(line) }.find { |line| !line.empty? } || ''
    def without_root(text) = text.gsub(%r{#{Regexp.escape(@root)}/(?:cookbooks/[^/]+/)?}, '')
    def short(line) = line[%r{#{Regexp.escape(@root)}/cookbooks/[^/]+/(\S+?:\d+)}, 1] || ''
  end
end
