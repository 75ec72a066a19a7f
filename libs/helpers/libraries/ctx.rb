# frozen_string_literal: true

# Finds its way from what a recipe hands over (its self, a resource, a node) to node and recipe names.
module Ctx
  module_function

  # The node of a recipe, of a resource, or the node itself.
  def node(context)
    context.respond_to?(:node) ? context.node : context
  end

  # What declares resources: the recipe itself.
  def dsl(context)
    return context if context.respond_to?(:declare_resource)

    raise ArgumentError, "#{context.class} declares no resources; hand over the recipe's self"
  end

  # A resource declared before, or nil.
  def find(context, kind, name)
    dsl(context).find_resource(kind.to_sym, name)
  end
end
