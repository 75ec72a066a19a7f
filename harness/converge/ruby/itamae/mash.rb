# frozen_string_literal: true

module GitOps
  # A hash whose keys may be named by symbol or string, at every depth.
  class Mash < Hash
    def self.of(value)
      case value
      when Hash then value.each_with_object(new) { |(key, item), mash| mash[key] = item }
      when Array then value.map { |item| of(item) }
      else value
      end
    end

    def self.merge(low, high)
      return high unless low.is_a?(Hash) && high.is_a?(Hash)

      high.each_with_object(of(low)) { |(key, item), merged| merged[key] = merge(low[key], item) }
    end

    def [](key) = super(plain(key))
    def []=(key, value)
      super(plain(key), self.class.of(value))
    end

    def key?(key) = super(plain(key))
    alias has_key? key?
    alias include? key?
    alias attribute? key?

    def fetch(key, ...) = super(plain(key), ...)
    def delete(key) = super(plain(key))
    def dig(first, *rest) = rest.reduce(self[first]) { |found, key| found.nil? ? nil : found[key] }
    alias read dig

    private

    def plain(key) = key.is_a?(Symbol) ? key.to_s : key
  end

  # A level that recipes write to: naming a missing key makes the hash below it.
  class WritableMash < Mash
    def [](key)
      key?(key) ? super : self[key] = WritableMash.new
      super
    end
  end
end
