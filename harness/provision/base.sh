# Runs in the container as root. $1: yes for a full upgrade first; $2: locale; $3: time zone; $4: public key of config;
# $5: certificate of the project's authority (PEM), or nothing.
# Every step looks before it acts. Each prints one line when it is over: record separator, name, changed or held, ms.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
upgrade=$1 locale=$2 zone=$3 key=$4 authority=$5
umask 022

now() { date +%s%3N; }

# $1: name; $2: what holds when there is nothing to do; $3: what makes it hold. In a subshell each, so that `set -e`
# ends the step and not just one of its lines.
step() {
  started=$(now)
  if ("$2") >/dev/null 2>&1; then
    verdict=held
  else
    current=$1
    "$3" </dev/null 2>&1
    current=
    verdict=changed
  fi
  printf '\036%s %s %s\n' "$1" "$verdict" "$(($(now) - started))"
}
current=
trap '[ -z "$current" ] || printf "\036%s failed 0\n" "$current"' EXIT

# $1: path; $2: mode; content on standard input. Root's, written beside and renamed.
write() {
  mkdir -p "$(dirname "$1")"
  new=$(mktemp "$1.XXXXXX")
  cat >"$new"
  chmod "$2" "$new"
  mv -f "$new" "$1"
}

# $1: path; $2: mode; $3: content (a final newline is added).
same() { [ -f "$1" ] && [ "$(stat -c %a:%U "$1")" = "$2:root" ] && [ "$(cat "$1")" = "$3" ]; }

# The mirror may hiccup, and the index may be older than the mirror: look again before giving up.
apt() {
  apt-get -y -q "$@" && return
  echo 'apt: once more with a fresh index'
  apt-get -q update && apt-get -y -q "$@"
}

# --- apt -------------------------------------------------------------------------------------------------------------
apt_file=/etc/apt/apt.conf.d/90container
apt_content='APT::Install-Recommends "false";
APT::Install-Suggests "false";
Acquire::Retries "3";
DPkg::Lock::Timeout "300";
Dpkg::Options:: "--force-confdef";
Dpkg::Options:: "--force-confold";'
apt_holds() { same "$apt_file" 644 "$apt_content"; }
apt_set() { printf '%s\n' "$apt_content" | write "$apt_file" 644; }

upgrade_holds() { [ "$upgrade" != yes ] || { apt-get -q update && ! apt-get -s full-upgrade | grep -q '^Inst '; }; }
upgrade_do() { apt full-upgrade; }

packages='sudo locales curl jq unzip vim ca-certificates tzdata'
packages_missing() {
  for package in $packages; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
  done
}
packages_hold() { [ -z "$(packages_missing)" ]; }
packages_install() {
  # shellcheck disable=SC2046 # one word a package
  apt install --no-install-recommends $(packages_missing)
}

# --- trust -----------------------------------------------------------------------------------------------------------
authority_file=/usr/local/share/ca-certificates/gitops.crt
authority_bundle=/etc/ssl/certs/ca-certificates.crt
# Its third line is a piece of the certificate that no other has: the bundle has it once the system trusts it.
authority_holds() {
  [ -n "$authority" ] || { ! [ -e "$authority_file" ]; return; }
  same "$authority_file" 644 "$authority" && grep -qxF -e "$(printf '%s\n' "$authority" | sed -n 3p)" "$authority_bundle"
}
authority_set() {
  if [ -n "$authority" ]; then printf '%s\n' "$authority" | write "$authority_file" 644; else rm -f "$authority_file"; fi
  update-ca-certificates
}

# --- users -----------------------------------------------------------------------------------------------------------
users_hold() {
  getent group config && [ "$(stat -c %U:%G:%a /app)" = app:config:755 ] &&
    [ "$(id -gn app):$(id -gn config)" = config:config ] &&
    [ "$(getent passwd app | cut -d: -f6):$(getent passwd config | cut -d: -f6,7)" = /app:/app:/bin/bash ]
}
users_make() {
  getent group config >/dev/null || groupadd config
  # '*' is no password: the account is not locked (sshd may refuse a locked one), nothing typed ever matches.
  id -u app >/dev/null 2>&1 || useradd -g config -d /app -M -s /usr/sbin/nologin -p '*' app
  id -u config >/dev/null 2>&1 || useradd -g config -d /app -M -s /bin/bash -p '*' config
  usermod -g config -d /app app
  usermod -g config -d /app -s /bin/bash config
  mkdir -p /app
  chown app:config /app
  chmod 755 /app
}

sudo_file=/etc/sudoers.d/config
sudo_content='config ALL=(ALL:ALL) NOPASSWD: ALL'
sudo_holds() { same "$sudo_file" 440 "$sudo_content" && visudo -cq; }
sudo_set() {
  printf '%s\n' "$sudo_content" | write "$sudo_file" 440
  visudo -cq || { rm -f "$sudo_file"; echo 'sudo does not accept its configuration'; return 1; }
}

# --- ssh -------------------------------------------------------------------------------------------------------------
key_file=/etc/ssh/authorized_keys/config
key_holds() { [ "$(stat -c %a:%U /etc/ssh/authorized_keys)" = 755:root ] && same "$key_file" 644 "$key"; }
key_set() {
  mkdir -p /etc/ssh/authorized_keys
  chown root:root /etc/ssh/authorized_keys
  chmod 755 /etc/ssh/authorized_keys
  printf '%s\n' "$key" | write "$key_file" 644
}

# First: sshd takes the first value it reads.
sshd_file=/etc/ssh/sshd_config.d/00-container.conf
sshd_content='PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication no
PubkeyAuthentication yes
AuthorizedKeysFile /etc/ssh/authorized_keys/%u'
sshd_holds() { same "$sshd_file" 644 "$sshd_content" && sshd_effective && ! [ -e /run/sshd-reload ]; }
sshd_effective() {
  mkdir -p /run/sshd
  effective=$(sshd -T -C user=config,host=localhost,addr=127.0.0.1) || return 1
  for line in 'permitrootlogin no' 'passwordauthentication no' 'kbdinteractiveauthentication no' \
    'pubkeyauthentication yes' 'authorizedkeysfile /etc/ssh/authorized_keys/%u'; do
    printf '%s\n' "$effective" | grep -qix "$line" || { echo "sshd does not say: $line"; return 1; }
  done
}
sshd_set() {
  # Root's login is taken away only when the other door is known to open.
  key_holds || { echo 'the key of config is not in place'; return 1; }
  runuser -u config -- sudo -n true || { echo 'config may not use sudo'; return 1; }
  cp -p /etc/ssh/sshd_config /run/sshd_config.before
  printf '%s\n' "$sshd_content" | write "$sshd_file" 644
  grep -qE '^Include /etc/ssh/sshd_config\.d/\*\.conf' /etc/ssh/sshd_config ||
    sed -i '1i Include /etc/ssh/sshd_config.d/*.conf' /etc/ssh/sshd_config
  if ! { sshd -t && sshd_effective; }; then
    rm -f "$sshd_file"
    cp -p /run/sshd_config.before /etc/ssh/sshd_config
    echo 'sshd does not accept its configuration; it was put back'
    return 1
  fi
  # Left behind when this is cut off before the reload, so that the next run does it.
  : >/run/sshd-reload
  ! systemctl --quiet is-active ssh.service || systemctl reload ssh.service
  rm -f /run/sshd-reload /run/sshd_config.before
}

# --- what people see -------------------------------------------------------------------------------------------------
locale_holds() { [ "$(cat /etc/default/locale)" = "LANG=$locale" ] && locale_there; }
locale_there() { [ "$locale" = C.UTF-8 ] || locale -a | grep -qix "$(echo "$locale" | sed 's/UTF-8/utf8/')"; }
locale_set() {
  if ! locale_there; then
    grep -qxF "$locale UTF-8" /etc/locale.gen 2>/dev/null || echo "$locale UTF-8" >>/etc/locale.gen
    locale-gen
  fi
  echo "LANG=$locale" | write /etc/default/locale 644
}

zone_holds() { [ "$(readlink /etc/localtime)" = "/usr/share/zoneinfo/$zone" ] && [ "$(cat /etc/timezone)" = "$zone" ]; }
zone_set() {
  [ -f "/usr/share/zoneinfo/$zone" ] || { echo "there is no time zone $zone"; return 1; }
  ln -sfn "/usr/share/zoneinfo/$zone" /etc/localtime
  echo "$zone" | write /etc/timezone 644
}

profile_file=/etc/profile.d/container.sh
profile_content='export EDITOR=vim
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
alias ll="ls -l"'
profile_holds() { same "$profile_file" 644 "$profile_content"; }
profile_set() { printf '%s\n' "$profile_content" | write "$profile_file" 644; }

step apt apt_holds apt_set
step upgrade upgrade_holds upgrade_do
step packages packages_hold packages_install
step authority authority_holds authority_set
step users users_hold users_make
step sudo sudo_holds sudo_set
step keys key_holds key_set
step sshd sshd_holds sshd_set
step locale locale_holds locale_set
step timezone zone_holds zone_set
step profile profile_holds profile_set
