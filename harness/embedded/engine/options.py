"""How a systemd container is to be started on this engine: a pure choice from what ``docker info`` says.

systemd as PID 1 needs a writable cgroup tree, the right to mount, and a /run of its own. Where these come from
differs between cgroup v1 and v2, with AppArmor, SELinux and user namespaces; ``--privileged`` is never asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CGROUP = "/sys/fs/cgroup"
OLDEST = (20, 10)

TMPFS = {
    "/run": "rw,nosuid,nodev,exec,mode=755",
    "/run/lock": "rw,nosuid,nodev,noexec,mode=1777,size=5m",
    "/tmp": "rw,nosuid,nodev,exec,mode=1777",  # noqa: S108 - a mount in the container, not a file of ours
}

_INIT = "/sbin/init"
# A bind remount changes this mount alone; the plain one is for kernels that refuse it. Without either, systemd says
# itself what it lacks.
_REMOUNT_V2 = f"mount -o remount,bind,rw {CGROUP} 2>/dev/null || mount -o remount,rw {CGROUP}\n"
# Of cgroup v1 systemd needs its own named hierarchy, which a host without systemd has not mounted. The controllers
# stay read-only: the container sees its limits and cannot lift them.
_REMOUNT_V1 = f"""\
if [ -d {CGROUP}/systemd ]; then mount -o remount,bind,rw {CGROUP}/systemd
else mount -o remount,rw {CGROUP} && mkdir {CGROUP}/systemd &&
  mount -t cgroup -o none,name=systemd systemd {CGROUP}/systemd; fi
"""
# Docker mounts three files of its own over /etc, which nothing in the container can replace (hostnamectl and every
# editor that renames fail). They become plain files, written anew at each start; of /etc/hosts only the part between
# the marks, as Proxmox VE does.
_OWN_FILES = """\
for name in hostname resolv.conf hosts; do
  cat /etc/$name > /run/.$name && umount /etc/$name 2>/dev/null || continue
  case $name in
    hosts)
      { if [ -s /etc/hosts ]; then sed '/^# --- BEGIN PVE ---$/,/^# --- END PVE ---$/d' /etc/hosts
        else grep -E 'localhost|ip6-' /run/.hosts; fi
        echo '# --- BEGIN PVE ---'; grep -vE 'localhost|ip6-' /run/.hosts; echo '# --- END PVE ---'
      } > /run/.new; cat /run/.new > /etc/hosts;;
    *) [ -L /etc/$name ] || cat /run/.$name > /etc/$name;;
  esac
done
rm -f /run/.hostname /run/.resolv.conf /run/.hosts /run/.new
"""


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What the engine says of itself. ``security`` holds the bare names: ``apparmor``, ``cgroupns``, ``rootless`` …"""

    version: str
    storage_driver: str
    cgroup_version: int
    cgroup_driver: str = "cgroupfs"
    operating_system: str = ""
    security: frozenset[str] = frozenset()
    cpus: int = 1
    memory_limit: bool = True
    swap_limit: bool = True
    architecture: str = "x86_64"

    @property
    def numbers(self) -> tuple[int, int]:
        """Major and minor version; (0, 0) when the text is not one."""
        parts = (self.version.split("+")[0].split("-")[0] + ".0").split(".")
        try:
            return int(parts[0]), int(parts[1])
        except ValueError:
            return 0, 0

    @property
    def rootless(self) -> bool:
        """Whether the engine runs without root, its networks in a namespace of their own."""
        return "rootless" in self.security


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that was chosen, and why: a line for ``doctor``."""

    option: str
    why: str


@dataclass(frozen=True, slots=True)
class ContainerOptions:
    """What every system container is started with. ``problem`` says why this engine cannot do it at all."""

    command: tuple[str, ...]
    cap_add: tuple[str, ...]
    security_opt: tuple[str, ...]
    tmpfs: Mapping[str, str]
    environment: Mapping[str, str]
    host_cgroup: bool
    """Whether the host's cgroup tree is mounted, writable, instead of the container's own."""
    cgroupns: str
    userns_mode: str | None
    reasons: tuple[Reason, ...] = field(default=())
    problem: str | None = None


def read_facts(info: Mapping[str, Any]) -> EngineFacts:
    """Facts from the body of ``GET /info`` (Docker Engine API)."""
    options = (str(entry).split(",")[0] for entry in info.get("SecurityOptions") or ())
    return EngineFacts(
        version=str(info.get("ServerVersion", "")),
        storage_driver=str(info.get("Driver", "")),
        cgroup_version=int(info.get("CgroupVersion") or 1),
        cgroup_driver=str(info.get("CgroupDriver", "cgroupfs")),
        operating_system=str(info.get("OperatingSystem", "")),
        security=frozenset(option.removeprefix("name=") for option in options),
        cpus=int(info.get("NCPU") or 1),
        memory_limit=bool(info.get("MemoryLimit", True)),
        swap_limit=bool(info.get("SwapLimit", True)),
        architecture=str(info.get("Architecture", "x86_64")),
    )


def choose(facts: EngineFacts) -> ContainerOptions:
    """The options for this engine, each with its reason."""
    reasons = [
        Reason("cap-add SYS_ADMIN", "systemd mounts and makes cgroups; asked for by name, never --privileged"),
        Reason("cap-add NET_ADMIN", "services such as caddy ask for it; it reaches the container's own network only"),
        Reason("umount /etc/hosts, hostname, resolv.conf", "plain files, for hostnamectl and recipes to replace"),
        Reason("tmpfs /run, /run/lock, /tmp", "systemd expects an empty /run at every start"),
    ]
    security = _security(facts, reasons)
    namespace = _cgroup(facts, reasons)
    userns = _userns(facts, reasons)
    return ContainerOptions(
        command=_command(facts, namespace),
        cap_add=("SYS_ADMIN", "NET_ADMIN"),
        security_opt=security,
        tmpfs=TMPFS,
        environment=_environment(facts, reasons),
        host_cgroup=namespace == "host",
        cgroupns=namespace,
        userns_mode=userns,
        reasons=tuple(reasons),
        problem=_problem(facts),
    )


def _security(facts: EngineFacts, reasons: list[Reason]) -> tuple[str, ...]:
    """Security options: each module that stands in systemd's way is lifted only where it is there."""
    wanted = (
        ("seccomp", "seccomp=unconfined", "the default filter forbids calls that systemd's sandboxing makes"),
        ("apparmor", "apparmor=unconfined", "the docker-default profile denies every mount"),
        ("selinux", "label=disable", "the container label may not write to the cgroup tree"),
    )
    chosen = []
    for name, option, why in wanted:
        if name in facts.security:
            chosen.append(option)
            reasons.append(Reason(f"security-opt {option}", why))
    return tuple(chosen)


def _cgroup(facts: EngineFacts, reasons: list[Reason]) -> str:
    """The cgroup namespace, and with it where the container's cgroup tree comes from."""
    if facts.cgroup_version < 2:
        why = "cgroup v1: the container sees its own groups; only systemd's hierarchy is made writable"
        reasons.append(Reason("cgroupns private, remount systemd rw", why))
        return "private"
    if "cgroupns" in facts.security:
        why = "cgroup v2 with namespaces: the container's own tree, made writable before systemd starts"
        reasons.append(Reason("cgroupns private, remount rw", why))
        return "private"
    why = "cgroup v2, and the engine offers no private namespace: the host's tree, writable"
    reasons.append(Reason("cgroupns host, /sys/fs/cgroup rw", why))
    return "host"


def _userns(facts: EngineFacts, reasons: list[Reason]) -> str | None:
    if "userns" not in facts.security or facts.rootless:
        return None
    reasons.append(Reason("userns host", "the engine remaps users, and a remapped root may not manage cgroups"))
    return "host"


def _environment(facts: EngineFacts, reasons: list[Reason]) -> dict[str, str]:
    """systemd's own switches. It calls itself a container of kind lxc, as on Proxmox VE."""
    environment = {"container": "lxc"}
    if facts.cgroup_version < 2:
        environment["SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE"] = "1"
        why = "systemd 256 and later (Debian 13) refuses cgroup v1 without it"
        reasons.append(Reason("SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1", why))
    return environment


def _command(facts: EngineFacts, namespace: str) -> tuple[str, ...]:
    """What runs before systemd takes its place as PID 1."""
    remount = "" if namespace == "host" else (_REMOUNT_V1 if facts.cgroup_version < 2 else _REMOUNT_V2)
    return ("/bin/sh", "-c", f"{remount}{_OWN_FILES}exec {_INIT}")


def _problem(facts: EngineFacts) -> str | None:
    """Why system containers with addresses of their own cannot run here, or None."""
    if facts.rootless:
        return "a rootless Docker engine keeps its networks away from this machine; the node needs a rootful one"
    if "Docker Desktop" in facts.operating_system:
        return "Docker Desktop keeps its networks inside a virtual machine; the node needs Docker on Linux itself"
    if facts.numbers < OLDEST:
        return f"Docker {facts.version} is older than 20.10"
    return None
