# frozen_string_literal: true

module GitOps
  # A value computed when its resource runs rather than when the recipe is read.
  Lazy = Struct.new(:block)

  # Names usable in recipes and inside resource blocks alike.
  module Dsl
    def lazy(&block) = Lazy.new(block)
    def platform?(*names) = node.platform?(*names)
    def platform_family?(*names) = node.platform_family?(*names)
    def shell_out(*command, **options)
      Commands.run(command.size == 1 ? command.first : command, **options)
    end

    def shell_out!(...) = shell_out(...).error!
    def log_line(text) = Itamae.logger.info(text)
  end
end

# The one piece of Chef's own namespace that recipes call directly.
module Chef
  Log = Itamae.logger
end
