"""What of a recorded chain a host may be asked: what changes more than the suite's own things needs leave.

The suite's own are containers of its range with their volumes, and users, tokens, roles and pools under names of its
own. A question that needs leave is left out of its chain; a change that needs leave takes the whole chain with it,
since later answers build on it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tests.contract.pve.hosts import MAY

Line = Mapping[str, Any]
_OWN = re.compile(
    r"/nodes/(?:pve|localhost|other)/(?:lxc/\d+(?:/.*)?|tasks/UPID.*|storage/local/content/.+|vzdump(?:/.*)?)$|/version$"
    r"|/access/ticket$"
)
_CHANGES = (
    (re.compile(r"/access/users/root@pam$"), "root"),
    (re.compile(r"/storage(?:/[^/]+)?$"), "storages"),
    (re.compile(r"/cluster/(?:ha|backup|options)"), "cluster"),
    (re.compile(r"/nodes/[^/]+/(?:network|dns|time|hosts|services|execute|wakeonlan|aplinfo|status|\w+all)"), "host"),
)
_OTHER_STORAGES = re.compile(r"\b(?:s2|isoonly)\b")


def chosen(lines: Sequence[Line], may: frozenset[str]) -> tuple[list[Line], str]:
    """The lines that may be played, or none with the reason, which says what would let them be played."""
    kept, lacking = [], set()
    for line in lines:
        missing = needs(line) - may
        if not missing:
            kept.append(line)
        elif not _may_be_left_out(line):
            lacking |= missing
    if lacking:
        return [], "PVE_MAY=" + ",".join(sorted(lacking)) + ": " + "; ".join(MAY[word] for word in sorted(lacking))
    asked = any("id" in line for line in kept)
    return (kept, "") if asked else ([], f"PVE_MAY=alone: {MAY['alone']}")


def needs(line: Line) -> frozenset[str]:
    """The words of ``MAY`` that a line needs."""
    method, path, params = _request(line)
    if not method:
        return frozenset()
    found = {word for pattern, word in _CHANGES if method != "GET" and pattern.search(path)}
    if method == "GET" and not _OWN.search(path):
        found.add("alone")
    if _OTHER_STORAGES.search(json.dumps(params)) or _OTHER_STORAGES.search(path):
        found.add("storages")
    if "lock" in params and method != "GET":
        found.add("unlock")
    return frozenset(found)


def _request(line: Line) -> tuple[str, str, Mapping[str, Any]]:
    if "step" in line:
        return line["step"], line["path"], line["params"]
    asked = line.get("request") or {}
    if "raw" in asked:
        words = asked["raw"].split(" ", 2)
        asked = {"method": words[0], "path": words[1], "params": {}}
    params = asked.get("params") or {}
    path = re.sub(r"^/api2/\w+", "", asked.get("path", "")).partition("?")[0]
    return asked.get("method", ""), path, params if isinstance(params, dict) else dict(params)


def _may_be_left_out(line: Line) -> bool:
    """Whether nothing that is played builds on a line.

    So it is with questions, with what was refused, with the mail address that root@pam is given at first, and with
    storages of the suite's own, since all that names them is left out with them.
    """
    method, path, params = _request(line)
    if method == "GET" or _failed(line) or needs(line) == {"storages"}:
        return True
    if method == "POST" and path.endswith("/lxc") and "lock" in params:
        return True
    return "step" in line and path == "/access/users/root@pam"


def _failed(line: Line) -> bool:
    answer, task = line.get("response") or {}, line.get("task") or {}
    return answer.get("status", 200) >= 400 or not str(task.get("exitstatus", "OK")).startswith(("OK", "WARN"))
