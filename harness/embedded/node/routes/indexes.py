"""Calls whose answer is always the same here: directory listings, empty lists, a default installation's settings."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from harness.embedded.node.errors import ApiError, failure
from harness.embedded.node.routing import Call, Handler, route

_ZONES = [{"zone": "localnetwork", "status": "available"}]


def _always(answer: Any) -> Handler:
    def handler(call: Call) -> Any:  # noqa: ARG001 - a handler's signature
        return answer

    return handler


def _register() -> None:
    text = resources.files("harness.embedded.node").joinpath("data", "standing.json").read_text()
    for path, answer in json.loads(text).items():
        route("GET", path)(_always(answer))


_register()


@route("GET", "/nodes/{node}/sdn/zones")
def zones(call: Call) -> list[dict[str, str]]:
    """The one zone that there is, for who may use it."""
    return [zone for zone in _ZONES if call.may_any("/sdn/zones/localnetwork", "SDN.Audit", "SDN.Use")]


@route("GET", "/cluster/config/join")
def join_information(call: Call) -> None:  # noqa: ARG001 - a handler's signature
    """A node alone has nothing to be joined."""
    raise ApiError(424, "node is not in a cluster, no join info available!")


@route("GET", "/nodes/{node}/ceph/status")
@route("GET", "/cluster/ceph/status")
def ceph_status(call: Call) -> None:  # noqa: ARG001 - a handler's signature
    """Ceph is not installed."""
    raise failure("binary not installed: /usr/bin/ceph-mon")
