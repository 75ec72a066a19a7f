# Runs in the container as root: unpacks the bundle on standard input into a private directory on /run (a tmpfs, so
# secrets reach no disk), runs it, and removes the directory whatever happens. One converge at a time: a run whose
# connection broke may still be going on. Holding the lock, every directory that is left is an orphan of a killed run.
set -eu
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root
umask 077
exec 9>/run/gitops-converge.lock
if ! flock -n 9; then
  echo 'waiting for another converge of this container to end'
  flock -w 900 9 || { echo 'another converge of this container still runs'; exit 75; }
fi
rm -rf /run/gitops-converge.*/
dir=$(mktemp -d /run/gitops-converge.XXXXXXXX)
trap 'cd /; rm -rf "$dir"' EXIT
trap 'exit 143' HUP INT TERM
tar -x -f - -C "$dir"
umask 022
cd "$dir"
sh "$dir/run.sh" "$dir" "$1" 9>&- </dev/null 2>&1
