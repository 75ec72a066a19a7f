"""The four spellings of ``MOUNT``."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from harness.config import values
from harness.config.values import MalformedError
from harness.inventory.model import BindMount, DeviceMount, Mount, ShareMount, VolumeMount

_SHARE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_SIZE = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,3})?")
_SYSTEM = ("/dev", "/proc", "/sys", "/run")
_LEAST_GIB, _MOST_GIB = 0.5, 65536.0


def gibibytes(text: str) -> float:
    """A size in GiB; fractions allowed."""
    if not _SIZE.fullmatch(text):
        raise MalformedError(hint="the size is a number of GiB without a unit")
    if not _LEAST_GIB <= float(text) <= _MOST_GIB:
        raise MalformedError(hint=f"{text} GiB is out of range")
    return float(text)


def parse(text: str) -> tuple[Mount, ...]:
    """The comma list ``text``; a path or share that appears twice is refused."""
    found = tuple(_mount(part.strip()) for part in text.split(",") if part.strip())
    places = [_place(mount) for mount in found]
    for place in places:
        if places.count(place) > 1:
            raise MalformedError(f"each place once, not {place} twice")
    return found


def _place(mount: Mount) -> str:
    match mount:
        case BindMount(target=place) | VolumeMount(target=place) | DeviceMount(path=place) | ShareMount(name=place):
            return place


def _mount(text: str) -> Mount:
    match text.split(":"):
        case [device] if device.startswith("/dev/"):
            return DeviceMount(_path(device))
        case [share] if _SHARE.fullmatch(share):
            return ShareMount(share)
        case [source, target] if source.startswith("/"):
            return BindMount(_path(source), _target(target))
        case [storage, size, target] if not storage.startswith("/"):
            return VolumeMount(values.matching(storage, values.STORAGE), gibibytes(size), _target(target))
        case [path] if path.startswith("/"):
            raise MalformedError(hint=f"where to? {path}:{path}")
        case [storage, size] if _SIZE.fullmatch(size):
            raise MalformedError(hint=f"where to? {storage}:{size}:/path")
        case _:
            raise MalformedError


def _target(text: str) -> str:
    path = _path(text)
    if path == "/":
        raise MalformedError("the root of the container is DISK, not a mount")
    if any(path == system or path.startswith(f"{system}/") for system in _SYSTEM):
        raise MalformedError(f"{path} is the container's own", "a device stands alone: /dev/ttyUSB0")
    return path


def _path(text: str) -> str:
    """An absolute path without ``..``, in its shortest spelling."""
    path = PurePosixPath(text)
    if not path.is_absolute() or ".." in path.parts or any(character.isspace() for character in text):
        raise MalformedError(f"{text or 'nothing'} is not an absolute path without .. and spaces")
    return "/" + "/".join(path.parts[1:])
