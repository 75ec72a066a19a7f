# Converges the cookbook $2 of the bundle in $1 with Debian's itamae, installing that first where it is missing.
set -eu
if ! command -v itamae >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  install() {
    apt-get -y -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 install --no-install-recommends itamae
  }
  install || { apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 update && install; }
fi
exec ruby "$1/itamae/run.rb" "$1" "$2"
