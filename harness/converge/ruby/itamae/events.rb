# frozen_string_literal: true

module GitOps
  # One JSON line an event on standard output, told from other output by the record separator before it.
  module Events
    MARK = "\u001e"

    def self.emit(event, **fields)
      $stdout.write("#{MARK}#{JSON.generate(scrub({ event: event, **fields }))}\n")
      $stdout.flush
    end

    # Output of a program may be in any encoding; JSON is in one.
    def self.scrub(value)
      case value
      when String then value.dup.force_encoding(Encoding::UTF_8).scrub('?')
      when Hash then value.transform_values { |item| scrub(item) }
      else value
      end
    end
  end
end
