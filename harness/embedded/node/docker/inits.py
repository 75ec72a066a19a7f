"""How a container's first process is asked to end."""

from __future__ import annotations

import os
from pathlib import Path

SYSTEMD_HALT = "SIGRTMIN+3"
"""systemd(1): halts the machine."""
_POWER_FAILURE = "SIGPWR"
"""What LXC sends (lxc.signal.halt), and what the init of BusyBox and that of System V end upon."""
_STARTING = ("sh", "runc:", "crun", "exe")
"""How the names begin of what runs before an init takes over: the engine's helper, the script that prepares mounts."""


def is_starting(pid: int | None, proc: Path = Path("/proc")) -> bool:
    """Whether a container's init has not taken over yet."""
    return _name(pid, proc).startswith(_STARTING)


def halt_signal(pid: int | None, proc: Path = Path("/proc")) -> str:
    """The signal for the init with this number; systemd's where nothing can be seen of it."""
    name = _name(pid, proc)
    return SYSTEMD_HALT if name in ("systemd", "") or name.startswith(_STARTING) else _POWER_FAILURE


def _name(pid: int | None, proc: Path) -> str:
    """What the process calls itself (proc(5), comm), or nothing; systemd's program is known before it does."""
    place = proc / str(pid)
    try:
        if os.access(place / "exe", os.R_OK) and (place / "exe").readlink().name == "systemd":
            return "systemd"
        return (place / "comm").read_text().strip()
    except OSError:
        return ""
