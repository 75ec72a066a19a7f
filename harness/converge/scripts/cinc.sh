# Converges the cookbook $2 of the bundle in $1 with Cinc, installing the pinned version first where it is missing.
# cinc.packages has one line a package: Debian release, architecture, SHA-256, URL. A package made for an older Debian
# runs on a newer one (it brings its own libraries), so the newest that is not newer than this Debian is taken.
set -eu
dir=$1 name=$2
wanted=$(cat "$dir/cinc.version")
installed=$(dpkg-query -W -f '${db:Status-Status} ${Version}' cinc 2>/dev/null || true)
case $installed in
"installed $wanted-"* | "installed $wanted") ;;
*)
  architecture=$(dpkg --print-architecture)
  release=$(. /etc/os-release; echo "${VERSION_ID:-999}")
  line=$(awk -v arch="$architecture" -v release="$release" '$2 == arch && $1 + 0 <= release + 0' "$dir/cinc.packages" |
    sort -rn | head -n 1)
  sha256=$(echo "$line" | cut -d ' ' -f 3)
  url=$(echo "$line" | cut -d ' ' -f 4-)
  [ -n "$url" ] || { echo "no Cinc $wanted for Debian $release ($architecture)"; exit 1; }
  # Not in the private directory: that is memory, and the package is large.
  deb=/var/cache/gitops-cinc.deb
  genuine() { echo "$sha256  $deb" | sha256sum -c --status - 2>/dev/null; }
  if ! genuine; then
    echo "fetching Cinc $wanted from $url"
    if ! curl -fsSL --connect-timeout 10 --retry 2 --max-time 600 -o "$deb" "$url"; then
      printf '\036{"event":"package","sha256":"%s"}\n' "$sha256"
      exit 69
    fi
  fi
  if ! genuine; then
    rm -f "$deb"
    echo "$url is not what the mirror promised (SHA-256)"
    exit 1
  fi
  echo "installing Cinc $wanted"
  dpkg -i "$deb"
  rm -f "$deb"
  ;;
esac
# Cinc loads helper modules from the cookbook itself.
mkdir -p "$dir/cookbooks/$name/libraries"
cp "$dir"/libraries/*.rb "$dir/cookbooks/$name/libraries/"
exec cinc-client --local-mode --config "$dir/cinc/client.rb" --json-attributes "$dir/attributes.json" \
  --override-runlist "recipe[$name]" --no-color --log_level warn
