"""A call from its path to its result: permission, the node that is named, the schema, the code, in this order."""

from __future__ import annotations

from typing import Any

from harness.embedded.node import proxying
from harness.embedded.node.errors import denied, invalid, not_implemented
from harness.embedded.node.grammar.schema import Endpoint
from harness.embedded.node.routing import Call, handler_of


def run(call: Call, endpoint: Endpoint) -> Any:
    """Do what a call asks for; raises ``ApiError`` with PVE's answer when it may not be done."""
    if "!" in call.user and not endpoint.allows_token:
        raise denied(f"URI '{call.path}' not available with API token, need proper ticket.\n")
    if call.user or (endpoint.permissions or {}).get("user") != "world":
        call.node.evaluator.require(endpoint.permissions, call.user, call.params)
    if endpoint.proxied:
        proxying.check_node(call.node, call.need("node"))
    faults = endpoint.faults(call.params)
    if faults:
        raise invalid(faults)
    handler = handler_of(endpoint.method, endpoint.path)
    if handler is None:
        raise not_implemented(call.method, call.path)
    return handler(call)
