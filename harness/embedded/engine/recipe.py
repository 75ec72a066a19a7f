"""What a base image is made of: a container much like Proxmox VE's ``debian-NN-standard`` template.

The packages that the base role installs (sudo, locales, curl …) are left to it, as on a real host.
"""

from __future__ import annotations

import hashlib

SUITES = {"12": "bookworm", "13": "trixie"}
PACKAGES = (
    "bash-completion",
    "ca-certificates",
    "cron",
    "dbus",
    "iproute2",
    "iputils-ping",
    "less",
    "libpam-systemd",
    "logrotate",
    "nano",
    "netbase",
    "openssh-server",
    "procps",
    "systemd",
    "systemd-sysv",
    "tzdata",
    "wget",
    "xz-utils",
)

SOURCES = """\
Types: deb
URIs: http://deb.debian.org/debian
Suites: {suite} {suite}-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://security.debian.org/debian-security
Suites: {suite}-security
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""

# Consoles, devices and clocks belong to the host; a timer that takes dpkg's lock at boot would meet the base role.
# A host key in the image would be the same in every container, and so would a machine id.
FINISH = """\
set -eu
rm -f /etc/ssh/ssh_host_* /usr/sbin/policy-rc.d /etc/apt/sources.list /etc/apt/apt.conf.d/docker-* \
  /etc/dpkg/dpkg.cfg.d/docker* /etc/apt/apt.conf.d/99mmdebstrap /etc/dpkg/dpkg.cfg.d/99mmdebstrap
cat > /etc/apt/sources.list.d/debian.sources
usermod --password '*' root
systemctl mask --quiet console-getty.service container-getty@.service getty@.service serial-getty@.service \
  getty-static.service systemd-udevd.service systemd-timesyncd.service systemd-networkd-wait-online.service \
  dev-hugepages.mount sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount
for timer in apt-daily apt-daily-upgrade e2scrub_all fstrim dpkg-db-backup; do
  systemctl disable --quiet "$timer.timer" 2>/dev/null || true
done
systemctl enable --quiet ssh.service
systemctl set-default --quiet multi-user.target
install -d -m 0700 /root/.ssh
if ls /usr/local/share/ca-certificates/*.crt >/dev/null 2>&1; then update-ca-certificates >/dev/null; fi
apt-get clean
rm -rf /var/lib/apt/lists/* /var/log/apt/* /var/log/dpkg.log /tmp/* /var/tmp/*
: > /etc/machine-id
"""

INSTALL = """\
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get dist-upgrade -y -q
apt-get install -y -q --no-install-recommends {packages}
"""


def install_script() -> str:
    """Adds the packages to a plain Debian image."""
    return INSTALL.format(packages=" ".join(PACKAGES))


def sources(release: str) -> str:
    """apt's sources for a release ("12", "13")."""
    return SOURCES.format(suite=SUITES[release])


def digest(release: str, certificates: str) -> str:
    """Changes whenever an image made from this recipe would."""
    text = "\0".join((release, *PACKAGES, sources(release), INSTALL, FINISH, certificates))
    return hashlib.sha256(text.encode()).hexdigest()[:10]
