# Installs what lies in the directory $1 (wheels/, requirements.lock, harness.tar, lock.digest, program.digest, where
# Gitea is to run releases/ too) as /opt/gitops: needs no network. An environment belongs to one lock and a program to one
# digest; the links `current` and `program` move to them only when they are whole, so that what runs meanwhile runs on.
# Doing it again does nothing.
set -eu
from=$1
home=/opt/gitops
lock=$(cat "$from/lock.digest")
program=$(cat "$from/program.digest")
umask 022

# A name that ends in .part is not finished: it is removed when found.
finish() {
  rm -rf "$2"
  mv "$1" "$2"
}

point() { # link, target: replaced in one step
  ln -sfn "$2" "$home/.$1.new"
  mv -T "$home/.$1.new" "$home/$1"
}

remove_others() { # folder, the one to keep, the one before it
  for found in "$home/$1"/*; do
    case ${found##*/} in "$2" | "$3") ;; *) rm -rf "$found" ;; esac
  done
}

now() { readlink "$home/$1" 2>/dev/null | sed 's|.*/||'; }

mkdir -p "$home/environments" "$home/programs" "$home/wheels"
old_lock=$(now current)
old_program=$(now program)

environment=$home/environments/$lock
if [ ! -e "$environment/.installed" ]; then
  # Made in its place, for its programs begin with its path; the mark says that it is whole.
  rm -rf "$environment"
  python3 -m venv "$environment"
  "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-index \
    --find-links "$from/wheels" --require-hashes --requirement "$from/requirements.lock"
  packages=$("$environment/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  echo "$home/program" >"$packages/gitops.pth"
  sha256sum "$from/requirements.lock" | cut -d' ' -f1 | tr -d '\n' >"$environment/.installed"
fi

if [ ! -d "$home/programs/$program" ]; then
  part=$home/programs/$program.part
  rm -rf "$part"
  mkdir "$part"
  tar -x -f "$from/harness.tar" -C "$part" --no-same-owner
  cp "$from/requirements.lock" "$part/"
  finish "$part" "$home/programs/$program"
  # After the move: compiled files name the path that they were compiled from.
  "$environment/bin/python" -m compileall -q -j 0 "$home/programs/$program/harness"
fi

# Kept, so that a control plane can make another one where no network is.
wheels=$(cat "$from/wheels.name")
if [ ! -d "$home/wheels/$wheels" ]; then
  rm -rf "$home/wheels"
  mkdir -p "$home/wheels"
  cp -r "$from/wheels" "$home/wheels/.part"
  finish "$home/wheels/.part" "$home/wheels/$wheels"
fi

if [ -d "$from/releases" ]; then
  sh "$from/releases.sh" "$from"
fi

point current "environments/$lock"
point program "programs/$program"
remove_others environments "$lock" "$old_lock"
remove_others programs "$program" "$old_program"
