# frozen_string_literal: true

# Names and places that every container shares.
module Constants
  APP_USER = 'app'
  CONFIG_GROUP = 'config'
  APP_HOME = '/app'
  SHARE = '/share'
  SNAPSHOTS = '/share/snapshots'
  UNITS = '/etc/systemd/system'
  VENDOR_UNITS = %w[/usr/lib/systemd/system /lib/systemd/system].freeze
  MAIN = 'main'
  STAGE = 'stage'
  LATER = 'is not available yet: it needs the forge'
end
