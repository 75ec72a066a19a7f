"""Firewalls of the cluster, the node and containers: their options, and what rules may refer to."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from harness.embedded.node import firewall
from harness.embedded.node.errors import bad_parameters
from harness.embedded.node.firewall import Firewall
from harness.embedded.node.grammar.formats import split_list
from harness.embedded.node.routes import firewall_paths as paths
from harness.embedded.node.routing import Call, Result, route

_CONTROL = frozenset(("node", "vmid", "digest", "delete"))


@route("GET", paths.GUEST)
def index(call: Call) -> list[dict[str, str]]:  # noqa: ARG001 - a handler's signature
    """What there is of a firewall, whether or not the container is there."""
    return [{"name": name} for name in ("rules", "aliases", "ipset", "refs", "options")]


@paths.serves("GET", "/options", paths.ALL)
def get_options(call: Call) -> dict[str, Any]:
    """The options that are set."""
    options = paths.load(call).options
    return {**options, "digest": firewall.sha1(options)}


def _known(call: Call) -> Mapping[str, Mapping[str, Any]]:
    """The options that there are, with their rules."""
    rules = call.node.schema.endpoints["PUT", f"{paths.base(call)}/options"].rules
    return {name: rule for name, rule in rules.items() if name not in _CONTROL}


@paths.serves("PUT", "/options", paths.ALL)
def set_options(call: Call) -> None:
    """Set or delete options."""
    found, known = paths.load(call), _known(call)
    firewall.check_digest(call.get("digest"), firewall.sha1(found.options))
    removed = split_list(call.get("delete") or "")
    unknown = next((name for name in removed if name not in known), None)
    if unknown is not None:
        raise bad_parameters(delete=f"no such option '{unknown}'")
    kept = {key: value for key, value in found.options.items() if key not in removed}
    paths.save(call, replace(found, options={**kept, **_given(call, known)}))


def _given(call: Call, known: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    given = {name: call.params[name] for name in known if call.params.get(name) is not None}
    typed = {n: int(v) if known[n]["type"] in ("boolean", "integer") else v for n, v in given.items()}
    if paths.base(call) == paths.CLUSTER and typed.get("enable", 0) > 1:
        typed["enable"] = int(time.time())  # a clock that runs until the caller confirms that it is not locked out
    return typed


@paths.serves("GET", "/refs", paths.NAMED)
def list_references(call: Call) -> list[dict[str, Any]]:
    """What rules may refer to: the cluster's names, then the container's own."""
    found, kind = list(_references(firewall.load(call.node, firewall.CLUSTER), "dc")), call.get("type")
    if paths.base(call) == paths.GUEST:
        found += _references(paths.load(call), "guest")
    return [item for item in found if kind in (None, item["type"])]


def _references(found: Firewall, scope: str) -> Iterator[dict[str, Any]]:
    for name, item in found.sets.items():
        yield {**paths.comment(item), "name": name, "ref": f"+{name}", "scope": scope, "type": "ipset"}
    for name, item in found.aliases.items():
        yield {**paths.comment(item), "name": name, "ref": name, "scope": scope, "type": "alias"}


@paths.serves("GET", "/log", (paths.HOST, paths.GUEST))
def firewall_log(call: Call) -> Result:  # noqa: ARG001 - a handler's signature
    """Nothing is filtered, so nothing is logged."""
    return Result([{"n": 1, "t": "no content"}], {"total": 1})
