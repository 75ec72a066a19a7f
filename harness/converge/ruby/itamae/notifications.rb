# frozen_string_literal: true

module GitOps
  # "When this resource changed, do that action to another", now or at the end of the run.
  class Notification
    TIMINGS = { delayed: :delayed, delay: :delayed, immediately: :immediately, immediate: :immediately }.freeze

    attr_reader :action, :source, :target, :timing

    def initialize(action, source, target, timing)
      @action = action.to_sym
      @source = source
      @target = target
      @timing = TIMINGS.fetch(timing.to_sym) do
        raise ArgumentError, "the timing :#{timing} is not supplied under Itamae; use :delayed or :immediately"
      end
    end

    def immediate? = timing == :immediately
    def same_as?(other) = action == other.action && target.equal?(other.target)
  end

  # A notification whose ends are still names: resolved when every recipe has been read, as Chef does.
  class Wish
    def initialize(owner, action, others, timing, backwards:)
      @owner = owner
      @action = action
      @others = [others].flatten
      @timing = timing
      @backwards = backwards
    end

    def resolve(runner)
      @others.flat_map { |other| runner.resources_named(other) }.map do |other|
        source, target = @backwards ? [other, @owner] : [@owner, other]
        Notification.new(@action, source, target, @timing)
      end
    rescue ArgumentError => e
      raise Failure.new(e.message, place: @owner.place, resource: @owner)
    end
  end
end
