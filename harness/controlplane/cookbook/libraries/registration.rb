# frozen_string_literal: true

require 'json'

# How the runner gets to know the forge, and when it has to begin anew.
module Registration
  class << self
    def token(forge, admin, password)
      raise "#{forge} does not answer" unless Utils.wait("#{forge}/api/healthz", timeout: 60)

      url = "#{forge}/api/v1/admin/actions/runners/registration-token"
      answer = Utils.request(url, method: :post, user: admin, password: password)
      raise "#{url} answers #{answer.code}" unless answer.code.to_i == 200

      "#{JSON.parse(answer.body).fetch('token')}\n"
    end

    # Whether a unit runs with something older than one of these files, and has not been told so (`told`) since.
    def outdated?(unit, sources, told)
      paths = sources.map { |source| Common::Health.file(source) }
      return false unless Common::Health.outdated?(unit, paths)

      newest = paths.select { |path| File.exist?(path) }.map { |path| File.mtime(path) }.max
      !File.exist?(told) || File.mtime(told) < newest
    end
  end
end
