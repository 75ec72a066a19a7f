"""Containers: list, create, configuration, status."""

from __future__ import annotations

from typing import Any

from harness.embedded.node import guest_config, guest_status
from harness.embedded.node.errors import bad_parameters, failure
from harness.embedded.node.grammar import formats
from harness.embedded.node.grammar.verify import Rule
from harness.embedded.node.guest_config import Guest
from harness.embedded.node.operations import guest_create, guest_restore, guest_snapshots, guest_update, ha
from harness.embedded.node.routes.backups import archiving
from harness.embedded.node.routing import Call, route

_CONFIG = "/nodes/{node}/lxc/{vmid}/config"
_CONTROL = frozenset(("node", "vmid", "delete", "revert", "digest"))


def rules(call: Call) -> dict[str, Rule]:
    """The types of configuration values."""
    return dict(call.node.schema.endpoints["PUT", _CONFIG].rules)


@route("GET", "/nodes/{node}/lxc")
def list_guests(call: Call) -> list[dict[str, Any]]:
    """The containers that the caller may audit."""
    states = call.node.runtime.states()
    visible = [guest for guest in call.node.guests.all() if call.may(f"/vms/{guest.vmid}", "VM.Audit")]
    shown = [guest_status.status(guest, states.get(guest.vmid, guest_status.STOPPED)) for guest in visible]
    return [_of_release(call, status) for status in shown]


def _of_release(call: Call, status: dict[str, Any]) -> dict[str, Any]:
    """Pressure is shown since 9.0."""
    if call.node.release.startswith("9"):
        return status
    return {key: value for key, value in status.items() if not key.startswith("pressure")}


@route("POST", "/nodes/{node}/lxc")
def create_guest(call: Call) -> str:
    """Start creating a container."""
    asked = guest_create.request(call.user, call.params)
    if not asked.restore:
        return guest_create.create(call.node, asked)
    guest_create.check(call.node, asked)
    return guest_restore.restore(call.node, archiving(call), asked, unique=call.flag("unique"))


@route("GET", "/nodes/{node}/lxc/{vmid}")
def guest_index(call: Call) -> list[dict[str, str]]:
    """What there is of a container."""
    call.node.guests.load(call.vmid)
    names = (
        "config pending status vncproxy termproxy vncwebsocket spiceproxy migrate clone rrd rrddata firewall snapshot"
    )
    return [{"subdir": name} for name in [*names.split(), "resize", "interfaces"]]


@route("GET", _CONFIG)
def get_config(call: Call) -> dict[str, Any]:
    """The configuration with what is pending; ``current`` without it, ``snapshot`` that of a snapshot."""
    snapshot, current = call.get("snapshot"), call.flag("current")
    if snapshot and current:
        text = "cannot use 'snapshot' parameter with 'current'"
        raise bad_parameters(snapshot=text, current=text)
    guest = call.node.guests.load(call.vmid)
    config = _shown_config(guest, snapshot, current=current)
    return {**guest_config.typed(config, rules(call)), "digest": guest.digest}


def _shown_config(guest: Guest, snapshot: str | None, *, current: bool) -> guest_config.Config:
    if snapshot:
        return guest_snapshots.need(guest, snapshot)
    return guest.config if current else guest.merged


@route("PUT", _CONFIG)
def set_config(call: Call) -> None:
    """Change the configuration."""
    given = [key for key in call.params if key not in ("node", "vmid", "digest")]
    if not given:
        raise failure("no options specified")
    settings = {key: call.get(key) for key in call.params if key not in _CONTROL}
    delete = formats.split_list(call.get("delete") or "")
    revert = formats.split_list(call.get("revert") or "")
    change = guest_update.Change(call.user, call.vmid, settings, delete, revert, call.get("digest"))
    guest_update.apply(call.node, change)


@route("GET", "/nodes/{node}/lxc/{vmid}/pending")
def pending(call: Call) -> list[dict[str, Any]]:
    """Each key with its value, what is pending for it, and whether its removal is."""
    guest = call.node.guests.load(call.vmid)
    types = rules(call)
    found = [_pending_item(guest, key, types) for key in sorted({*guest.config, *guest.pending})]
    return [*found, {"key": "digest", "value": guest.digest}]


def _pending_item(guest: Guest, key: str, types: dict[str, Rule]) -> dict[str, Any]:
    item: dict[str, Any] = {"key": key}
    if key in guest.config:
        item["value"] = guest_config.typed_value(key, guest.config[key], types)
    if key in guest.pending:
        item["pending"] = guest_config.typed_value(key, guest.pending[key], types)
    if key in guest.removals and key in guest.config:
        item["delete"] = 1
    return item


@route("GET", "/nodes/{node}/lxc/{vmid}/status")
def status_index(call: Call) -> list[dict[str, str]]:
    """What can be asked of and done to the state."""
    call.node.guests.load(call.vmid)
    return [{"subdir": name} for name in ("current", "start", "stop", "shutdown", "reboot", "migrate")]


@route("GET", "/nodes/{node}/lxc/{vmid}/status/current")
def current_status(call: Call) -> dict[str, Any]:
    """The state now."""
    guest = call.node.guests.load(call.vmid)
    status = _of_release(call, guest_status.status(guest, call.node.state(call.vmid)))
    return {**status, "ha": ha.state(call.node, call.vmid)}


@route("GET", "/nodes/{node}/lxc/{vmid}/feature")
def feature(call: Call) -> dict[str, int]:
    """Whether the container's storages can do something."""
    guest = call.node.guests.load(call.vmid)
    able = guest_snapshots.can_snapshot(call.node, guest.config)
    return {"hasFeature": int(able or call.need("feature") == "copy")}


@route("GET", "/nodes/{node}/lxc/{vmid}/interfaces")
def interfaces(call: Call) -> list[dict[str, Any]] | None:
    """The interfaces as the running container has them."""
    if not call.node.is_running(call.vmid):
        return None  # PVE asks the running container, and looks for no configuration
    return [_interface(item) for item in call.node.runtime.interfaces(call.vmid)]


def _interface(item: Any) -> dict[str, Any]:
    addresses = [_address(text, "inet") for text in item.inet] + [_address(text, "inet6") for text in item.inet6]
    shown: dict[str, Any] = {"name": item.name, "hwaddr": item.hwaddr, "hardware-address": item.hwaddr}
    shown["ip-addresses"] = addresses
    if item.inet:
        shown["inet"] = item.inet[0]
    if item.inet6:
        shown["inet6"] = item.inet6[0]
    return shown


def _address(text: str, kind: str) -> dict[str, str]:
    address, _, prefix = text.partition("/")
    return {"ip-address": address, "ip-address-type": kind, "prefix": prefix}
