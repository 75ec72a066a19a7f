"""Settings and reports of the host: what is set here is kept and shown, and never done to the machine."""

from __future__ import annotations

import hashlib
import platform
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.embedded.node import certificates, host_facts, uploads
from harness.embedded.node.errors import bad_parameters, failure, not_implemented
from harness.embedded.node.guests import modified
from harness.embedded.node.routes.nodes import VERSIONS
from harness.embedded.node.routing import Call, Result, route

_NODE = "/nodes/{node}"
_SECONDS = 10


@route("PUT", f"{_NODE}/dns")
def set_dns(call: Call) -> None:
    """Keep other name servers."""
    given = {name: call.get(name) for name in ("search", "dns1", "dns2", "dns3") if call.get(name)}
    call.node.store.table("host").put("dns", given)


@route("GET", f"{_NODE}/dns")
def get_dns(call: Call) -> dict[str, Any]:
    """The resolver's configuration, or what was set."""
    return dict(call.node.store.table("host").get("dns") or host_facts.resolver())


@route("PUT", f"{_NODE}/time")
def set_time_zone(call: Call) -> None:
    """Keep another time zone."""
    zone = call.need("timezone")
    known = zone in ("UTC", "Etc/UTC") or (Path("/usr/share/zoneinfo") / zone).is_file()
    if ".." in zone or not known:
        raise bad_parameters(timezone="No such timezone.")
    call.node.store.table("host").put("time", {"timezone": zone})


@route("GET", f"{_NODE}/time")
def get_time(call: Call) -> dict[str, Any]:
    """Host time, and the same as if local time were UTC."""
    now = int(time.time())
    kept = call.node.store.table("host").get("time") or {"timezone": host_facts.timezone()}
    return {"time": now, "localtime": now + host_facts.utc_offset(now), **kept}


@route("GET", f"{_NODE}/hosts")
def get_hosts(call: Call) -> dict[str, Any]:
    """The hosts table and its digest."""
    return dict(call.node.store.table("host").get("hosts") or host_facts.hosts())


@route("POST", f"{_NODE}/hosts")
def set_hosts(call: Call) -> None:
    """Keep another hosts table."""
    if call.get("digest") not in (None, get_hosts(call)["digest"]):
        raise modified()
    data = call.need("data")
    digest = hashlib.sha1(data.encode()).hexdigest()  # noqa: S324  # PVE's digest, not a protection
    call.node.store.table("host").put("hosts", {"data": data, "digest": digest})


@route("GET", f"{_NODE}/syslog")
def syslog(call: Call) -> Result:
    """The node's own messages, as lines of a system log."""
    lines = [{"n": number, "t": line} for number, line in enumerate(_log_lines(call), 1)]
    start, limit = call.number("start", 0), call.number("limit", 50)
    shown = lines[start : start + limit] or [{"n": 1, "t": "no content"}]
    return Result(shown, {"total": max(len(lines), 1)})


def _log_lines(call: Call) -> list[str]:
    lines = []
    for event in reversed(call.node.events.newest(1000)):
        stamp = time.strftime("%b %d %H:%M:%S", time.localtime(event["time"]))
        lines.append(f"{stamp} {call.node.name} {event['tag']}[{event['pid']}]: {event['msg']}")
    return lines


@route("GET", f"{_NODE}/journal")
def journal(call: Call) -> list[str]:
    """The same messages, between two positions in the journal."""
    last = call.number("lastentries", 1000)
    lines = _log_lines(call)
    return ["s=0;i=0", *lines[max(0, len(lines) - last) :], f"s=0;i={len(lines):x}"]


@route("GET", f"{_NODE}/report")
def report(call: Call) -> str:
    """A few facts for a support case."""
    known = VERSIONS[call.node.release]
    facts = {
        "hostname": call.node.name,
        "pveversion": f"pve-manager/{known['version']}/{known['repoid']} (running kernel: {platform.release()})",
        "containers": len(call.node.guests.all()),
        "storages": ", ".join(storage.name for storage in call.node.storages.all()),
    }
    return "\n==== general system info ====\n\n" + "".join(f"{name}: {value}\n" for name, value in facts.items())


@route("GET", f"{_NODE}/certificates/info")
def certificate_info(call: Call) -> list[dict[str, Any]]:
    """The certificate that the node serves with."""
    return [certificates.describe(call.node.options.certificate, call.node.fingerprint)]


@route("GET", f"{_NODE}/apt/versions")
def package_versions(call: Call) -> list[dict[str, str]]:
    """The packages that a release is known by."""
    known = VERSIONS[call.node.release]["version"]
    shared = {"Arch": "all", "CurrentState": "Installed", "Origin": "Proxmox", "Section": "admin"}
    return [
        {**shared, "Package": name, "Version": known, "OldVersion": known, "Title": name, "Description": ""}
        for name in ("proxmox-ve", "pve-manager")
    ]


@route("POST", f"{_NODE}/status")
def power(call: Call) -> None:
    """``reboot``: everything stops, the node is away for a moment, what starts on boot starts."""
    if call.need("command") != "reboot":
        raise not_implemented(call.method, call.path)
    call.node.reboot(0.0)


@route("GET", f"{_NODE}/query-url-metadata")
def url_metadata(call: Call) -> dict[str, Any]:
    """Name, type and size of what an address serves."""
    url = call.need("url")
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - the schema allows http(s) only
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            headers = dict(answer.headers.items())
    except urllib.error.HTTPError as error:
        raise failure(f"invalid server response: '{error.code} {error.reason}'") from error
    except OSError as error:
        raise failure(f"invalid server response: '500 {_unreachable(url, error)}'") from error
    return _metadata(url, headers)


def _metadata(url: str, headers: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    named = headers.get("Content-Disposition", "").partition('filename="')[2].partition('"')[0]
    if name := named or urlsplit(url).path.rpartition("/")[2]:
        found["filename"] = uploads.safe_name(name)
    if "Content-Length" in headers:
        found["size"] = int(headers["Content-Length"])
    if kind := headers.get("Content-Type", "").partition(";")[0]:
        found["mimetype"] = kind
    return found


def _unreachable(url: str, error: OSError) -> str:
    place = urlsplit(url)
    port = place.port or (443 if place.scheme == "https" else 80)
    reason = getattr(error, "reason", error)
    text = "Connection refused" if isinstance(reason, ConnectionRefusedError) else "Name or service not known"
    return f"Can't connect to {place.hostname}:{port} ({text})"
