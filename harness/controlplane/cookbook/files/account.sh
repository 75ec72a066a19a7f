# The account that forge and runner run as, and the directories of their data. The numbers are fixed: the data outlives
# the container whose /etc/passwd gave them names.
set -eu
getent group gitops >/dev/null || groupadd --system --gid 811 gitops
getent passwd gitops >/dev/null ||
  useradd --system --uid 811 --gid gitops --home-dir /var/lib/gitops --no-create-home --shell /usr/sbin/nologin gitops
install -d -o gitops -g gitops -m 0750 /var/lib/gitops
for name in forge runner share; do install -d -o gitops -g gitops -m 0700 "/var/lib/gitops/$name"; done
install -d -m 0755 /etc/gitops
