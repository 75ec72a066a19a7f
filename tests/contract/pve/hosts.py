"""A real node that the environment names, and what the contract suite may do there.

``PVE_URL``, ``PVE_PASSWORD`` (of root@pam): which. ``PVE_VMIDS`` (``9100-9199``): the containers that the suite may
make and destroy. ``PVE_FINGERPRINT`` (SHA-256) or ``PVE_CA`` (a file): the certificate to trust, where the system's
own authorities do not do. ``PVE_NODE``, ``PVE_STORAGE`` (a directory with everything), ``PVE_SNAPSHOT_STORAGE``,
``PVE_TEMPLATE``: names there. ``PVE_UNLOCK``: a command that takes a container's lock off, with ``{vmid}`` in it.
``PVE_MAY``: more that may be touched, words of ``MAY``.
"""

from __future__ import annotations

import hashlib
import shlex
import ssl
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

MAY = {
    "alone": "ask for lists that hold what others made",
    "root": "change root@pam and remove its tokens",
    "storages": "add, change and remove storages",
    "cluster": "manage HA resources and backup jobs",
    "host": "change the node's own settings",
    "unlock": "take locks off: a command in PVE_UNLOCK",
}
_DEFAULT_VMIDS = range(9100, 9200)


@dataclass(frozen=True)
class Host:
    """A node of somebody's, and the names of what may be used on it."""

    url: str
    password: str
    vmids: range = _DEFAULT_VMIDS
    fingerprint: str = ""
    authority: str = ""
    node: str = "pve"
    storage: str = "local"
    snapshots: str = "local-btrfs"
    template: str = "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst"
    unlock_command: str = ""
    may: frozenset[str] = field(default_factory=frozenset)

    @property
    def context(self) -> ssl.SSLContext:
        """Trusts the pinned certificate, or the authority's, and no other."""
        if not self.fingerprint:
            return ssl.create_default_context(cafile=self.authority or None)
        context = ssl.create_default_context(cadata=pinned(self.url, self.fingerprint))
        context.check_hostname = False  # whose it is, the fingerprint tells
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return context

    def unlock(self, vmid: int) -> None:
        """Take a container's lock off, where there is a way to."""
        if self.unlock_command:
            subprocess.run(shlex.split(self.unlock_command.format(vmid=vmid)), check=False)


def pinned(url: str, fingerprint: str) -> str:
    """The certificate that a node serves with, in PEM; raises when it is another than the pinned one."""
    place = urlsplit(url)
    pem = ssl.get_server_certificate((place.hostname or "", place.port or 8006))
    served = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    if served != fingerprint.replace(":", "").lower():
        raise ssl.SSLCertVerificationError(f"{url} serves a certificate that is not the pinned one")
    return pem


def from_environment(given: Mapping[str, str]) -> Host | None:
    """The host of ``PVE_URL`` and its companions, or None; raises ``ValueError`` for a word that is not known."""
    if not given.get("PVE_URL") or not given.get("PVE_PASSWORD"):
        return None
    named = {
        "fingerprint": "PVE_FINGERPRINT",
        "authority": "PVE_CA",
        "node": "PVE_NODE",
        "storage": "PVE_STORAGE",
        "snapshots": "PVE_SNAPSHOT_STORAGE",
        "template": "PVE_TEMPLATE",
        "unlock_command": "PVE_UNLOCK",
    }
    texts = {name: given[key] for name, key in named.items() if given.get(key)}
    vmids, may = _vmids(given.get("PVE_VMIDS", "")), _words(given)
    return Host(given["PVE_URL"].rstrip("/"), given["PVE_PASSWORD"], vmids=vmids, may=may, **texts)


def _vmids(text: str) -> range:
    if not text:
        return _DEFAULT_VMIDS
    first, _, last = text.partition("-")
    found = range(int(first), int(last or first) + 1)
    if len(found) < 100 or 100 < found.start < 202 or found.start < 100:
        raise ValueError(f"PVE_VMIDS={text}: a range of 100 container numbers beyond 201, such as 9100-9199")
    return found


def _words(given: Mapping[str, str]) -> frozenset[str]:
    words = frozenset(given.get("PVE_MAY", "").replace(",", " ").split())
    if words - set(MAY):
        raise ValueError(f"PVE_MAY: {', '.join(sorted(words - set(MAY)))}: not among {', '.join(MAY)}")
    return words | {"unlock"} if given.get("PVE_UNLOCK") else words
