"""Where the faults of a plan strike a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.embedded.node.errors import ApiError, BareError, failure
from harness.embedded.node.faults import Fault
from harness.embedded.node.node import Node

_PROXY_STATUSES = (595, 596)


def strike(node: Node, facts: Mapping[str, Any]) -> bool:
    """Do what happens to a request before it is looked at; returns whether its connection is reset."""
    if node.faults.take("reset", **facts):
        return True
    fault = node.faults.take("reboot", **facts)
    if fault:
        node.reboot(fault.seconds)
        return True
    if node.faults.take("expire-tickets", **facts):
        node.expire_tickets()
    if node.faults.take("change-certificate", **facts):
        node.change_certificate()
        return True
    fault = node.faults.take("slow", **facts)
    if fault:
        node.stopping.wait(fault.seconds)
    return False


def answer(fault: Fault) -> ApiError:
    """The error that a fault answers with; those of the proxy have no body."""
    if fault.status in _PROXY_STATUSES:
        return BareError(fault.status, fault.text)
    if fault.status == 500:
        return failure(fault.text)
    return ApiError(fault.status, fault.text)
