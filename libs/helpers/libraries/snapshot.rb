# frozen_string_literal: true

require 'shellwords'

# Archives of data directories: /share/snapshots/<name>/<name>-<time>.tar.gz, each verified by unpacking it.
module Snapshot
  SCRIPT = <<~SH
    set -eu
    umask 077
    data=$1 store=$2 name=$3
    mkdir -p "$store"
    part=$(mktemp "$store/.part.XXXXXX")
    proof=$(mktemp -d "$store/.proof.XXXXXX")
    trap 'rm -rf "$part" "$proof"' EXIT
    # 1: a file changed while it was read, which a service that runs may do.
    tar --create --gzip --file "$part" --directory "$data" . || [ $? = 1 ]
    tar --extract --gzip --file "$part" --directory "$proof"
    mv "$part" "$store/$name-$(date -u +%Y%m%dT%H%M%SZ).tar.gz"
  SH
  RESTORE = <<~SH
    set -eu
    mkdir -p "$1"
    tar --extract --gzip --file "$2" --directory "$1" --same-owner --preserve-permissions
  SH

  class << self
    # Declares the archive of `dir`: made when something in it is newer than the newest one.
    def take(context, dir, name)
      store = store_of(name)
      command = ['sh', '-c', SCRIPT, 'snapshot', dir, store, name].shelljoin
      Ctx.dsl(context).execute("archive #{dir}") do
        command command
        only_if { Snapshot.due?(dir, store) }
      end
    end

    # Declares that the newest archive is unpacked to `dir`, when there is one and `dir` is empty or missing.
    def restore(context, dir, name)
      store = store_of(name)
      Ctx.dsl(context).execute("restore #{dir}") do
        command lazy { ['sh', '-c', RESTORE, 'restore', dir, Snapshot.newest(store)].shelljoin }
        only_if { Snapshot.newest(store) && Snapshot.empty?(dir) }
      end
    end

    def newest(store) = Dir["#{store}/*.tar.gz"].max
    def empty?(dir) = !Dir.exist?(dir) || Dir.empty?(dir)

    def due?(dir, store)
      last = newest(store)
      return File.directory?(dir) if last.nil?

      taken = File.mtime(last)
      Dir.glob("#{dir}/**/*", File::FNM_DOTMATCH).any? { |path| File.lstat(path).ctime > taken }
    end

    private

    def store_of(name) = "#{Constants::SNAPSHOTS}/#{name}"
  end
end
