# frozen_string_literal: true

# Outside every module, so that a recipe's constants are looked up as in a plain Ruby file.
def gitops_evaluate(context, path) = context.instance_eval(File.read(path), path, 1)

module GitOps
  # A recipe read with Chef's names.
  class Recipe < Itamae::Recipe
    def load(_vars = {})
      gitops_evaluate(Context.new(self, {}), path)
    rescue Failure
      raise
    rescue StandardError, ScriptError => e
      raise Failure.of_recipe(e)
    end

    # Delayed notifications belong to the whole run in Chef, so a recipe only runs its resources.
    def run = children.run

    # The recipe's self: every supplied resource is a method.
    class Context < Itamae::Recipe::EvalContext
      include Dsl

      def cookbook_name = runner.cookbook_name
      def recipe_name = ::File.basename(@recipe.path, '.rb')
      def run_context = self

      def include_recipe(*names)
        names.each { |name| runner.include_recipe(name, @recipe) }
      end

      def declare_resource(kind, name = '', &block)
        klass = Registry[kind] or raise UnknownResource, kind
        klass.new(@recipe, kind.to_sym, name, &block).tap { |resource| @recipe.children << resource }
      end

      def find_resource(kind, name, &block)
        runner.resources_named("#{kind}[#{name}]").last
      rescue ArgumentError
        block ? declare_resource(kind, name, &block) : nil
      end

      def find_resource!(kind, name) = runner.resources_named("#{kind}[#{name}]").last
      def resources(description) = runner.resources_named(description).last

      def edit_resource(kind, name, &block)
        find_resource(kind, name)&.tap { |resource| resource.instance_eval(&block) } ||
          declare_resource(kind, name, &block)
      end

      def method_missing(kind, *args, &block)
        return declare_resource(kind, *args, &block) if Registry[kind]
        raise UnknownResource, kind if block || args.first.is_a?(String)

        raise NameError, "undefined name '#{kind}'"
      end

      def respond_to_missing?(kind, *) = !Registry[kind].nil?
    end
  end

  # The methods of Kernel that are also resource names must not win over them.
  Registry.names.each do |kind|
    next unless Object.private_method_defined?(kind) || Object.method_defined?(kind)

    Recipe::Context.define_method(kind) { |*args, &block| declare_resource(kind, *args, &block) }
  end
end
