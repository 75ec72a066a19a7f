"""Templates, clones, moved volumes, migration."""

from __future__ import annotations

from harness.embedded.node import guest_clone, guest_move, guest_template
from harness.embedded.node.errors import bad_parameters, failure, not_implemented
from harness.embedded.node.routing import Call, route
from harness.embedded.node.runtime import CopyingRuntime

_GUEST = "/nodes/{node}/lxc/{vmid}"


@route("POST", f"{_GUEST}/template")
def convert(call: Call) -> None:
    """Convert to a template."""
    guest_template.convert(call.node, call.user, call.vmid)


def _copying(call: Call) -> CopyingRuntime:
    if isinstance(call.node.runtime, CopyingRuntime):
        return call.node.runtime
    raise not_implemented(call.method, call.path)


def _check_target(call: Call) -> None:
    target = call.get("target")
    if target not in (None, call.node.name, "localhost"):
        raise failure(f"no such cluster node '{target}'")


@route("POST", f"{_GUEST}/clone")
def clone(call: Call) -> str:
    """Clone, fully or linked."""
    _check_target(call)
    asked = guest_clone.Request(
        user=call.user,
        vmid=call.vmid,
        newid=call.number("newid", 0),
        hostname=call.get("hostname"),
        description=call.get("description"),
        storage=call.get("storage"),
        snapshot=call.get("snapname"),
        pool=call.get("pool"),
        full=call.flag("full") if "full" in call.params else None,
    )
    return guest_clone.clone(call.node, _copying(call), asked)


@route("POST", f"{_GUEST}/move_volume")
def move_volume(call: Call) -> str:
    """Move a volume to another storage."""
    if call.get("target-vmid") is not None:
        raise not_implemented(call.method, call.path)
    target = call.get("storage")
    if target is None:
        text = "either storage or target-vmid needs to be specified"
        raise bad_parameters(storage=text, target_vmid=text)
    settings = {"key": call.need("volume"), "target": target, "digest": call.get("digest")}
    return guest_move.move(
        call.node, _copying(call), call.user, call.vmid, delete=call.flag("delete"), **_texts(settings)
    )


def _texts(settings: dict[str, str | None]) -> dict[str, str]:
    """Keyword arguments; a digest that was not given is an empty text."""
    return {name: value or "" for name, value in settings.items()}


@route("POST", f"{_GUEST}/migrate")
def migrate(call: Call) -> str:
    """There is nowhere to go."""
    if call.need("target") in (call.node.name, "localhost"):
        raise bad_parameters(target="target is local node.")
    raise failure(f"no such cluster node '{call.need('target')}'")
