# Converges the cookbook $2 of the bundle in $1 with Debian's itamae, installing that first where it is missing.
set -eu
apt() {
  apt-get -y -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@"
}
if ! command -v itamae >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  echo 'installing itamae'
  install='install --no-install-recommends itamae'
  # shellcheck disable=SC2086 # several words
  { apt $install || { apt update && apt $install; }; } >"$1/install.log" 2>&1 || { cat "$1/install.log"; exit 1; }
fi
exec ruby "$1/itamae/run.rb" "$1" "$2"
