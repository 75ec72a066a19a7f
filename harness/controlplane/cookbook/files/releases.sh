# Installs the packed releases in the directory $1/releases (Gitea and its runner) below /opt/gitops/releases: needs no
# network. They are kept packed as well, so that a control plane can make another one where no network is. Of each
# product the one before is kept: what runs meanwhile, and hooks that name its path, run on.
set -eu
from=$1/releases
home=/opt/gitops/releases
umask 022

mkdir -p "$home"
for packed in "$from"/*.xz; do
  [ -e "$packed" ] || continue
  name=$(basename "$packed" .xz)
  if ! cmp -s "$packed" "$home/$name.xz"; then
    python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), open(sys.argv[2], "wb"))' \
      "$packed" "$home/.$name.part"
    chmod 0755 "$home/.$name.part"
    mv "$home/.$name.part" "$home/$name"
    cp "$packed" "$home/.$name.part"
    mv "$home/.$name.part" "$home/$name.xz"
  fi
  touch "$home/$name.xz"
  product=${name%%-[0-9]*}
  for old in $(ls -t "$home" | grep "^$product-[0-9].*\\.xz$" | tail -n +3); do
    rm -f "$home/$old" "$home/${old%.xz}"
  done
done
