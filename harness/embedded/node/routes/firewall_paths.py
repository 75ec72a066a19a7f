"""The paths of firewalls, and whose firewall a call is about: the cluster's, the node's or a container's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from harness.embedded.node import firewall
from harness.embedded.node.firewall import Firewall
from harness.embedded.node.firewall_rules import Surroundings
from harness.embedded.node.routing import Call, Handler, route

CLUSTER = "/cluster/firewall"
HOST = "/nodes/{node}/firewall"
GUEST = "/nodes/{node}/lxc/{vmid}/firewall"
ALL = (CLUSTER, HOST, GUEST)
NAMED = (CLUSTER, GUEST)
"""Those that have address sets and aliases."""
_turn = threading.RLock()


def serves(method: str, tail: str, bases: tuple[str, ...]) -> Callable[[Handler], Handler]:
    """Register a handler below several bases; what writes waits for its turn, as for PVE's lock of the file."""

    def keep(handler: Handler) -> Handler:
        served = handler if method == "GET" else _in_turn(handler)
        for base in bases:
            route(method, base + tail)(served)
        return handler

    return keep


def _in_turn(handler: Handler) -> Handler:
    @wraps(handler)
    def run(call: Call) -> Any:
        with _turn:
            return handler(call)

    return run


def base(call: Call) -> str:
    """Which of the bases a call came by."""
    if "vmid" in call.params:
        return GUEST
    return HOST if "node" in call.params else CLUSTER


def _key(call: Call) -> str:
    return {CLUSTER: firewall.CLUSTER, HOST: firewall.HOST}.get(base(call)) or str(call.vmid)


def load(call: Call) -> Firewall:
    """The firewall that a call is about."""
    return firewall.load(call.node, _key(call))


def save(call: Call, changed: Firewall) -> None:
    """Write the firewall that a call is about."""
    firewall.save(call.node, _key(call), changed)


def surroundings(call: Call) -> Surroundings:
    """What a rule of this call is held against."""
    kind = {CLUSTER: "cluster", HOST: "host", GUEST: "ct"}[base(call)]
    above = Firewall() if kind == "cluster" else firewall.load(call.node, firewall.CLUSTER)
    return Surroundings("group" if "group" in call.params else kind, load(call), above)


def comment(item: Mapping[str, Any]) -> dict[str, Any]:
    """The comment of an item, if it has one."""
    return {"comment": item["comment"]} if item.get("comment") else {}


def digested(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each item of a list with the digest of all of them."""
    digest = firewall.sha1(items)
    return [{**item, "digest": digest} for item in items]
