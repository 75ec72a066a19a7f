# frozen_string_literal: true

# Values from outside the recipe.
module Env
  class << self
    # The node's attribute, else the process environment (as written, then in capitals), else nil with a warning.
    def get(node, key)
      value = Ctx.node(node)[key.to_s]
      return value unless value.nil?

      found = ENV[key.to_s] || ENV[key.to_s.upcase]
      Logs.warn("#{key} is neither an attribute nor in the environment") if found.nil?
      found
    end

    # Login and password that all containers share.
    def creds(node, login = 'login', password = 'password')
      [get(node, login), get(node, password)]
    end

    def set(_node, key, _value)
      raise NotImplementedError, "Env.set(#{key}) #{Constants::LATER}"
    end

    def dump(_context, *keys, **)
      raise NotImplementedError, "Env.dump(#{keys.join(', ')}) #{Constants::LATER}"
    end
  end
end
