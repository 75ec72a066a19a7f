"""Facts of the host as PVE shows them of a node."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

_CPU_KEYS = {"model name": "model", "vendor_id": "vendor", "cpu family": "family", "flags": "flags", "cpu MHz": "mhz"}


def _read(path: str) -> str:
    file = Path(path)
    return file.read_text(errors="replace") if file.exists() else ""


def memory() -> dict[str, int]:
    """Bytes of memory and swap, by the names of ``/proc/meminfo``."""
    pairs = re.findall(r"^(\w+):\s+(\d+) kB", _read("/proc/meminfo"), re.MULTILINE)
    return {name: int(size) << 10 for name, size in pairs}


def uptime() -> int:
    """Seconds since the host started."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME))


def load() -> float:
    """Share of all cores in use, from the load average."""
    return min(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def summary() -> dict[str, Any]:
    """The numbers of the node lists."""
    known, disk = memory(), shutil.disk_usage("/")
    total = known.get("MemTotal", 0)
    return {
        "cpu": load(),
        "maxcpu": os.cpu_count() or 1,
        "mem": total - known.get("MemAvailable", 0),
        "maxmem": total,
        "disk": disk.used,
        "maxdisk": disk.total,
        "uptime": uptime(),
    }


def status() -> dict[str, Any]:
    """The numbers of ``GET /nodes/{node}/status``, without the version."""
    known, disk = memory(), shutil.disk_usage("/")
    kernel = {"sysname": platform.system(), "release": platform.release()}
    kernel |= {"version": platform.version(), "machine": platform.machine()}
    total, free = known.get("MemTotal", 0), known.get("MemFree", 0)
    available = known.get("MemAvailable", 0)
    swap, swap_free = known.get("SwapTotal", 0), known.get("SwapFree", 0)
    return {
        "boot-info": {"mode": "legacy-bios"},
        "cpu": load(),
        "cpuinfo": _processor(),
        "current-kernel": kernel,
        "idle": 0,
        "ksm": {"shared": 0},
        "kversion": f"{kernel['sysname']} {kernel['release']} {kernel['version']}",
        "loadavg": [f"{value:.2f}" for value in os.getloadavg()],
        "memory": {"total": total, "free": free, "available": available, "used": total - available},
        "rootfs": {"total": disk.total, "used": disk.used, "free": disk.total - disk.used, "avail": disk.free},
        "swap": {"total": swap, "free": swap_free, "used": swap - swap_free},
        "uptime": uptime(),
        "wait": 0,
    }


@lru_cache(maxsize=1)
def _processor() -> dict[str, Any]:
    found = {"model": "unknown", "vendor": "unknown", "family": "0", "flags": "", "mhz": "0"}
    for name, value in re.findall(r"^([\w ]+?)\s*: (.*)$", _read("/proc/cpuinfo"), re.MULTILINE):
        if name in _CPU_KEYS:
            found[_CPU_KEYS[name]] = value
    count = os.cpu_count() or 1
    return {**found, "cpus": count, "cores": count, "sockets": 1, "user_hz": 100, "hvm": ""}


def resolver() -> dict[str, str]:
    """Name servers and search domain of the host."""
    text = _read("/etc/resolv.conf")
    servers = re.findall(r"^nameserver\s+(\S+)", text, re.MULTILINE)[:3]
    search = re.search(r"^search\s+(\S+)", text, re.MULTILINE)
    found = {f"dns{index}": server for index, server in enumerate(servers, 1)}
    return {**found, "search": search[1]} if search else found


def hosts() -> dict[str, str]:
    """The hosts table and its SHA-1."""
    text = _read("/etc/hosts")
    return {"data": text, "digest": hashlib.sha1(text.encode()).hexdigest()}  # noqa: S324 - PVE's digest


def timezone() -> str:
    """The host's zone by name."""
    return _read("/etc/timezone").strip() or "Etc/UTC"


def utc_offset(now: float) -> int:
    """Seconds that local time is ahead of UTC."""
    return int(time.localtime(now).tm_gmtoff)
