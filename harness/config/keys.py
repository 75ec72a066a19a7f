"""Every key that a ``config.env`` may hold, declared once: rule, default and meaning.

The inventory converts values by these names, and ``docs/configuration.md`` is rendered from this table.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """One key of ``config.env``."""

    name: str
    rule: str
    """What a value looks like, in words that also stand in error messages."""
    meaning: str
    example: str
    default: str | None = None
    """The text that stands in for a missing or empty value; None where there is none."""
    default_setting: str | None = None
    """The setting (dotted) that supplies the default, when it is not a fixed text."""
    required: bool = False

    @property
    def default_words(self) -> str:
        """The default as people read it."""
        if self.required:
            return "required"
        if self.default_setting:
            return f"the setting `{self.default_setting}`"
        return f"`{self.default}`" if self.default else "none"


_ALL = (
    Key(
        "IP",
        "an IPv4 address, alone or with its prefix length (10.143.0.20 or 10.143.0.20/24)",
        "The container's address. Alone it gets the prefix length of the bridge's network (`proxmox.mask`).",
        "10.143.0.20",
        required=True,
    ),
    Key(
        "ID",
        "a whole number from 100 to 999999999",
        "The container's VMID on Proxmox VE. Every container and stage has its own.",
        "120",
        required=True,
    ),
    Key(
        "HOSTNAME",
        "a DNS label: 1 to 63 letters, digits and hyphens, no hyphen at either end",
        "The container's hostname, without a domain.",
        "apache",
        required=True,
    ),
    Key("CORES", "a whole number from 1 to 512", "CPU cores that the container may use.", "2", required=True),
    Key(
        "MEMORY",
        "a whole number of MiB from 64 to 4194304",
        "Memory limit in MiB.",
        "512",
        required=True,
    ),
    Key("SWAP", "a whole number of MiB from 0 to 1048576", "Swap in MiB, on top of the memory.", "512", "512"),
    Key(
        "DISK",
        "storage:GiB, such as local-lvm:8; the size from 0.5 to 65536",
        "Storage and size in GiB of the root file system.",
        "local-lvm:8",
        required=True,
    ),
    Key("BOOT", "yes or no", "Whether the container starts together with its node.", "yes", "yes"),
    Key(
        "MOUNT",
        "a comma list of /host/path:/path, storage:GiB:/path, /dev/…, or the bare name of a share",
        "What is mounted in the container: a directory of the node, a volume of its own, a device of the node. For a"
        " share the container gets the feature `mount=cifs`; mounting it is its recipe's work.",
        "/srv/data:/data,local-lvm:4:/var/lib/app,/dev/ttyUSB0",
        "",
    ),
    Key(
        "NODE",
        "the name of a Proxmox VE node",
        "The node that the container lives on, one of `proxmox.node`. The embedded node has one name only, `pve`, and"
        " takes every container.",
        "pve2",
        default_setting="proxmox.node",
    ),
    Key(
        "NEEDS",
        "a comma list of libraries (names of folders below libs/)",
        "Containers that must be deployed and verified before this one.",
        "apache,broker",
        "",
    ),
    Key(
        "UNPRIVILEGED",
        "yes or no",
        "Whether root in the container is an ordinary user on the node.",
        "yes",
        "yes",
    ),
    Key(
        "FEATURES",
        "a comma list of nesting=0|1, keyctl=0|1, fuse=0|1, mknod=0|1, force_rw_sys=0|1, mount=TYPE;TYPE",
        "Proxmox VE's container features. Others than `nesting` need the root@pam password.",
        "nesting=1,keyctl=1",
        "nesting=1",
    ),
    Key(
        "NAMESERVER",
        "IP addresses of DNS servers, at most three, separated by commas or spaces",
        "DNS servers of the container; without it the node's are used.",
        "10.143.0.1",
        "",
    ),
    Key(
        "SEARCHDOMAIN",
        "a DNS domain",
        "The domain that the hostname lives in; recipes see it as `domain`. Without it, that is `internal`.",
        "home.arpa",
        "",
    ),
    Key(
        "STARTUP",
        "order=N, up=SECONDS, down=SECONDS in any combination, separated by commas",
        "Start order and delays when the node boots or shuts down.",
        "order=2,up=10",
        "",
    ),
    Key(
        "TAGS",
        "a comma list of tags made of letters, digits, and _ - + .",
        "Tags shown by Proxmox VE, beside the one that marks the container as managed from this repository.",
        "web,public",
        "",
    ),
    Key(
        "ENGINE",
        "auto, cinc or itamae",
        "What converges the recipes: `cinc` from its mirror, `itamae` from Debian, or `auto`: cinc where the mirror"
        " answers, else itamae.",
        "auto",
        "auto",
    ),
    Key(
        "OSTEMPLATE",
        "a template's name (debian-13-standard), or a volume id (local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst)",
        "The template that the container is made from. A name alone means its newest version for the node's"
        " architecture.",
        "debian-12-standard",
        default_setting="proxmox.template",
    ),
)

KEYS: dict[str, Key] = {key.name: key for key in _ALL}
