"""The node's own configuration: kept and shown, without effect."""

from __future__ import annotations

import hashlib
from typing import Any

from harness.embedded.node.grammar.formats import split_list
from harness.embedded.node.guest_config import description_text
from harness.embedded.node.guests import modified
from harness.embedded.node.routing import Call, route

_PATH = "/nodes/{node}/config"
_CONTROL = frozenset(("node", "delete", "digest"))
_NUMBERS = frozenset(("ballooning-target", "startall-onboot-delay"))


def _load(call: Call) -> dict[str, Any]:
    return dict(call.node.store.table("host").get("config") or {})


def _digest(config: dict[str, Any]) -> str:
    text = "".join(f"{name}: {value}\n" for name, value in sorted(config.items()))
    return hashlib.sha1(text.encode()).hexdigest()  # noqa: S324  # PVE's digest, not a protection


@route("GET", _PATH)
def get_config(call: Call) -> dict[str, Any]:
    """What is set, or one setting; nothing at all where nothing is."""
    config, wanted = _load(call), call.get("property")
    if wanted is not None:
        return {wanted: config[wanted]} if wanted in config else {}
    return {**config, "digest": _digest(config)} if config else {}


@route("PUT", _PATH)
def set_config(call: Call) -> None:
    """Set or delete settings."""
    config = _load(call)
    if call.get("digest") and config and call.get("digest") != _digest(config):
        raise modified()
    given = {name: value for name, value in call.params.items() if name not in _CONTROL and value is not None}
    typed = {name: int(value) if name in _NUMBERS else value for name, value in given.items()}
    if "description" in given:
        typed["description"] = description_text(str(given["description"])) if given["description"] else ""
    removed = split_list(call.get("delete") or "")
    kept = {name: value for name, value in {**config, **typed}.items() if name not in removed and value != ""}
    call.node.store.table("host").put("config", kept)
