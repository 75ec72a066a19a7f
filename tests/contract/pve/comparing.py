"""When two answers are the same: status, reason and errors to the letter; of data the keys, the types, and the values
of all that is not the host's own or a matter of time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# Keys whose values differ from host to host and from moment to moment.
_LOOSE = frozenset(
    (
        *("digest", "upid", "pid", "pstart", "starttime", "endtime", "uptime", "cpu", "mem", "memhost", "disk"),
        *("netin", "netout", "diskread", "diskwrite", "ctime", "size", "used", "avail", "total", "free", "time"),
        *("used_fraction", "ticket", "CSRFPreventionToken", "localtime", "uid", "msg", "snaptime", "next-run", "value"),
        *("loadavg", "mhz", "idle", "wait", "ssl_fingerprint"),
        *(f"pressure{kind}{share}" for kind in ("cpu", "io", "memory") for share in ("some", "full")),
    )
)
_STATISTICS = frozenset(("name", "status", "maxmem", "maxdisk", "maxcpu", "template", "tags"))
# Calls that show the host itself: keys and types only.
_HOST = re.compile(
    r"/api2/[^/]+/(?:version$|nodes$|nodes/[^/]+/(?:status|time|dns|hosts|services|subscription|netstat|rrddata|version"
    r"|aplinfo|tasks|capabilities|storage/[^/]+/rrddata|lxc/\d+/(?:rrddata|interfaces)|network)(?:[?]|$)"
    r"|cluster/(?:tasks|log|status|options)|nodes/[^/]+/tasks/[^/]+/log|cluster/ha/status|access/ticket)"
)
_IDENTITIES = (
    *(("path", "ugid", "roleid"), ("upid",), ("volid",), ("sid",), ("userid",), ("tokenid",), ("roleid",), ("realm",)),
    *(("storage", "type", "id"), ("storage",), ("id",), ("vmid",), ("iface",), ("poolid",), ("key",), ("name",)),
    *(("cidr",), ("pos",), ("subdir",), ("groupid",)),
)
_NORMAL = tuple(
    (re.compile(pattern), word)
    for pattern, word in (
        (r"UPID:([^:\s]*):[0-9A-F]{8}:[0-9A-F]{8,9}:[0-9A-F]{8}:", r"UPID:\1:"),
        (r"\b[0-9a-f]{40}\b", "DIGEST"),
        (r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID"),
        (r"\b(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\b", "HWADDR"),
        (r"\d{4}[-_]\d\d[-_]\d\d[-_ T]\d\d[-_:]\d\d[-_:]\d\d", "TIME"),
        (r"tmp_dwnl\.\d+|pveupload-\w+", "FILE"),
        (r"SHA256:\S+", "FINGERPRINT"),
        (r"\b\d+(?:[.]\d+)?\s?[KMG]i?B(?:/s)?\b", "SIZE"),
        (r"(?<=-disk-)\d+", "N"),
        (r"PVE(?:VNC)?:[^\s]+::\S+", "TICKET"),
    )
)


def difference(line: Mapping[str, Any], wanted: Mapping[str, Any], got: Any, ended: Mapping[str, Any] | None) -> str:
    """What is not the same, in one line; empty when nothing. ``ended`` is how this node's task went."""
    path, name, task = line["request"].get("path", ""), line["id"], line.get("task")
    if got.status != wanted["status"]:
        return f"status {wanted['status']} {wanted['message']!r} expected, got {got.status} {got.reason!r}"
    found = [] if same_text(wanted["message"], got.reason) else [f"reason {got.reason!r}"]
    found += _bodies(wanted["body"], got.body, path, name)
    if task and ended and not found:
        found += _ends(task, ended)
    return "; ".join(found)[:600]


def _ends(task: Mapping[str, Any], ended: Mapping[str, Any]) -> list[str]:
    found = []
    if not same_text(task["exitstatus"], ended["exitstatus"]):
        found.append(f"task ended {ended['exitstatus']!r}, expected {task['exitstatus']!r}")
    if "last" in task and not same_text(task["last"], ended["last"]):
        found.append(f"last line {ended['last']!r}, expected {task['last']!r}")
    return found


def _bodies(wanted: Any, got: Any, path: str, name: str) -> list[str]:
    if not isinstance(wanted, dict) or not isinstance(got, dict):
        return [] if wanted == got else [f"body {got!r}, expected {wanted!r}"]
    if "__raw__" in wanted:
        same = "__raw__" in got and (wanted["__raw__"] is None or same_text(wanted["__raw__"], got["__raw__"]))
        return [] if same or name == "task-log-download" else [f"text {str(got)[:80]!r}"]
    shape = bool(_HOST.search(path)) or name.startswith("task-abort")
    loose = _LOOSE | _STATISTICS if re.search(r"/cluster/resources|/pools/", path) else _LOOSE
    if "/rrddata" in path and isinstance(wanted.get("data"), list):
        return [] if got.get("data") else ["no series"]
    found = []
    for key in sorted({*wanted, *got}):
        if key == "total":
            continue
        if key not in got or key not in wanted:
            found.append(f"{key}: {'missing' if key not in got else 'unexpected'}")
        else:
            found += differences(wanted[key], got[key], key, loose, shape=shape)
    return found


def same_text(wanted: Any, got: Any) -> bool:
    """Whether two texts say the same; the order of lines and of list elements is not kept by PVE itself."""
    left, right = normal(str(wanted or "")), normal(str(got or ""))
    return left == right or sorted(re.split(r"[\n,] *", left)) == sorted(re.split(r"[\n,] *", right))


def normal(text: str) -> str:
    """A text with words in place of what no two runs share."""
    for pattern, word in _NORMAL:
        text = pattern.sub(word, text)
    return text


def _kind(value: Any) -> str:
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def differences(wanted: Any, got: Any, where: str, loose: frozenset[str], *, shape: bool) -> list[str]:
    """Where two values differ; with ``shape`` only in keys and types."""
    if _kind(wanted) != _kind(got):
        return [f"{where}: {_kind(wanted)} expected, got {got!r}"]
    if isinstance(wanted, dict):
        return _objects(wanted, got, where, loose, shape=shape)
    if isinstance(wanted, list):
        return _lists(wanted, got, where, loose, shape=shape)
    same = same_text(wanted, got) if isinstance(wanted, str) else wanted == got
    return [] if shape or same else [f"{where}: {wanted!r} expected, got {got!r}"]


def _objects(
    wanted: Mapping[str, Any], got: Mapping[str, Any], where: str, loose: frozenset[str], *, shape: bool
) -> list[str]:
    if wanted.get("status") == "running":
        loose = loose | {"maxdisk", "swap"}
    loose = loose | {key for key in ("cpus", "maxcpu") if wanted.get(key) == 2}  # the recording host's own cores
    found = [f"{where}.{key}: missing" for key in wanted if key not in got]
    found += [f"{where}.{key}: unexpected" for key in got if key not in wanted and not key.startswith("/")]
    for key in wanted:
        if key in got:
            found += differences(wanted[key], got[key], f"{where}.{key}", loose, shape=shape or key in loose)
    return found


def _lists(wanted: list[Any], got: list[Any], where: str, loose: frozenset[str], *, shape: bool) -> list[str]:
    if not all(isinstance(item, dict) for item in (*wanted, *got)):
        same = shape or sorted(map(str, wanted)) == sorted(map(str, got))
        return [] if same else [f"{where}: {wanted} expected, got {got}"]
    if not wanted:
        return [f"{where}: empty list expected, got {len(got)} items"] if got and not shape else []
    names = next((names for names in _IDENTITIES if all(name in item for item in wanted for name in names)), None)
    if names is None or (shape and names[0] not in ("id", "storage", "iface")):
        return _unions(wanted, got, where, loose)
    have = {_identity(item, names): item for item in got}
    missing = [item for item in wanted if _identity(item, names) not in have]
    found = [] if shape else [f"{where}: no item {_identity(item, names)}" for item in missing]
    for item in wanted:
        other = have.get(_identity(item, names))
        if other is not None:
            found += differences(item, other, f"{where}[{_identity(item, names)}]", loose, shape=shape)
    return found


def _unions(wanted: list[Any], got: list[Any], where: str, loose: frozenset[str]) -> list[str]:
    if not got:
        return [f"{where}: items expected"]
    return differences(_union(wanted), _union(got), f"{where}[]", loose, shape=True)


def _union(items: list[Mapping[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for item in items:
        merged.update({key: value for key, value in item.items() if merged.get(key) is None})
    return merged


def _identity(item: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return "/".join(normal(str(item.get(name))) for name in names)
