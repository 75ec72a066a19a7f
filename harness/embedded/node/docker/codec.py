"""A guest's specification as JSON, without its secrets: what the next start of its container must look like."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from ipaddress import IPv4Address, IPv4Interface
from typing import Any

from harness.embedded.node.runtime import GuestDevice, GuestMount, GuestNet, GuestSpec

_SECRETS = {"ssh_public_keys": "", "root_password": None}


def encode(spec: GuestSpec) -> str:
    """JSON text of a specification; keys and password are left out."""
    plain = dataclasses.asdict(dataclasses.replace(spec, features=dict(spec.features), **_SECRETS))  # type: ignore[arg-type]
    return json.dumps(plain, default=str, sort_keys=True)


def decode(text: str) -> GuestSpec:
    """The specification of a text that ``encode`` made."""
    raw: dict[str, Any] = json.loads(text)
    raw["nets"] = tuple(_net(net) for net in raw["nets"])
    raw["mounts"] = tuple(GuestMount(**mount) for mount in raw["mounts"])
    raw["devices"] = tuple(GuestDevice(**device) for device in raw["devices"])
    return GuestSpec(**raw)


def fingerprint(spec: GuestSpec) -> str:
    """Changes with what only a new Docker container can show: mounts, devices, names."""
    fixed = (spec.hostname, spec.mounts, spec.devices, spec.nameserver, spec.searchdomain)
    return hashlib.sha256(repr(fixed).encode()).hexdigest()[:16]


def _net(raw: dict[str, Any]) -> GuestNet:
    address, gateway = raw["ip"], raw["gateway"]
    return GuestNet(
        **{
            **raw,
            "ip": IPv4Interface(address) if address else None,
            "gateway": IPv4Address(gateway) if gateway else None,
        }
    )
