"""Consoles: tickets and tasks as PVE gives them; no program listens behind them, and the task says so."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from typing import Any

from harness.embedded.node.errors import failure
from harness.embedded.node.operations import guest_power
from harness.embedded.node.routing import Call, route
from harness.embedded.node.tasks import Task

_GUEST = "/nodes/{node}/lxc/{vmid}"
_PORT = "5900"


def _inner(vmid: int) -> str:
    console = f"lxc-console -n {vmid} -e -1"
    return f"/usr/bin/dtach -A /var/run/dtach/vzctlconsole{vmid} -r winch -z {console}"


def _ticket() -> str:
    signature = base64.b64encode(hashlib.sha512(secrets.token_bytes(32)).digest() * 4).decode()
    return f"PVEVNC:{int(time.time()):08X}::{signature}"


def _begin(call: Call, command: str) -> dict[str, Any]:
    """Start the task ``vncproxy``, which ends as it does where the program is missing."""
    call.node.guests.load(call.vmid)

    def work(task: Task) -> None:  # noqa: ARG001 - the shape of all work
        missing = f"open3: exec of {command} failed: No such file or directory"
        raise failure(f"command '{command}' failed: {missing} at /usr/share/perl5/PVE/Cmd.pm line 174.")

    upid = call.node.tasks.start("vncproxy", call.vmid, call.user, work)
    return {"user": call.user, "ticket": _ticket(), "port": _PORT, "upid": upid}


@route("POST", f"{_GUEST}/vncproxy")
def vncproxy(call: Call) -> dict[str, Any]:
    """A ticket for a VNC console."""
    options = f"-rfbport {_PORT} -timeout 10 -authpath /vms/{call.vmid} -perm VM.Console -verify-port"
    for name in ("width", "height"):
        if call.get(name):
            options += f" -{name} {call.get(name)}"
    if call.flag("websocket"):
        options += " -notls -listen localhost"
    shown = _begin(call, f"/usr/bin/vncterm {options} -c {_inner(call.vmid)}")
    if call.flag("generate-password"):
        shown["password"] = secrets.token_urlsafe(6)
    path = call.node.options.certificate
    return {**shown, "cert": path.read_text() if path else ""}


@route("POST", f"{_GUEST}/termproxy")
def termproxy(call: Call) -> dict[str, Any]:
    """A ticket for a terminal."""
    options = f"{_PORT} --path /vms/{call.vmid} --perm VM.Console --vncticket-endpoint --verify-port --ticket-fd 6"
    return _begin(call, f"/usr/bin/termproxy {options} -- {_inner(call.vmid)}")


@route("POST", f"{_GUEST}/spiceproxy")
def spiceproxy(call: Call) -> None:
    """Wants a running container, and is then not there."""
    call.node.guests.load(call.vmid)
    guest_power.need_running(call.node, call.vmid)
    raise failure("consoles are not implemented by this node")
