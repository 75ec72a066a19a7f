"""Field by field: what differs between a container as it is and as it shall be, and what changing it entails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from harness.lifecycle.desired import Guest, Volume
from harness.lifecycle.plan import Effect, FieldChange
from harness.pve import values

_SAME_SIZE_MIB: Final = 4.0  # LVM rounds up to extents of 4 MiB
_RESTART: Final = frozenset({"features"})  # stays pending while the container runs; all other scalars are hot


def changes(old: Guest, new: Guest) -> tuple[FieldChange, ...]:
    """Everything that differs, most far-reaching last."""
    found = [
        *_scalars(old.scalars, new.scalars),
        *_volume("disk", old.rootfs, new.rootfs),
        *_volumes(old.volumes, new.volumes),
        *_binds(old.binds, new.binds),
        *_devices(old.devices, new.devices),
        *_unprivileged(old, new),
    ]
    order = list(Effect)
    return tuple(sorted(found, key=lambda change: order.index(change.effect)))


def _scalars(old: Mapping[str, str | None], new: Mapping[str, str | None]) -> Iterable[FieldChange]:
    for name, value in new.items():
        before = old.get(name)
        if (before or None) == (value or None):
            continue
        if name == "net0":
            yield from _net(before or "", value or "")
        else:
            effect = Effect.RESTART if name in _RESTART else Effect.HOT
            yield FieldChange(name, before or None, value or None, effect)


def _net(old: str, new: str) -> Iterable[FieldChange]:
    """The interface's parts one by one: an address reads better than a property string."""
    before, after = values.parse_properties(old), values.parse_properties(new)
    for key in dict.fromkeys([*after, *before]):
        if before.get(key) != after.get(key):
            yield FieldChange(f"net0.{key}", before.get(key), after.get(key), Effect.HOT)


def grows(old: Volume, new: Volume) -> bool:
    """Whether a volume has to grow in place."""
    return old.storage == new.storage and old.size_mib > 0 and new.size_mib - old.size_mib >= _SAME_SIZE_MIB


def _volume(name: str, old: Volume, new: Volume) -> Iterable[FieldChange]:
    if old.storage != new.storage:
        yield FieldChange(f"{name} storage", old.storage, new.storage, Effect.REPLACE)
    unlimited = old.size_mib == 0  # a subvolume on a directory storage reads size=0T
    if abs(new.size_mib - old.size_mib) >= _SAME_SIZE_MIB and not unlimited:
        effect = Effect.HOT if new.size_mib > old.size_mib else Effect.REPLACE
        sizes = values.render_size(old.size_mib), values.render_size(new.size_mib)
        yield FieldChange(name, sizes[0], sizes[1], effect)


def _volumes(old: Mapping[str, Volume], new: Mapping[str, Volume]) -> Iterable[FieldChange]:
    for target in dict.fromkeys([*new, *old]):
        before, after = old.get(target), new.get(target)
        if before is not None and after is not None:
            yield from _volume(f"mount {target}", before, after)
        else:
            yield FieldChange(f"mount {target}", _text(before), _text(after), Effect.RESTART)


def _binds(old: Mapping[str, str], new: Mapping[str, str]) -> Iterable[FieldChange]:
    for target in dict.fromkeys([*new, *old]):
        if old.get(target) != new.get(target):
            yield FieldChange(f"mount {target}", old.get(target), new.get(target), Effect.RESTART)


def _devices(old: frozenset[str], new: frozenset[str]) -> Iterable[FieldChange]:
    for path in sorted(old ^ new):
        yield FieldChange("device", path if path in old else None, path if path in new else None, Effect.RESTART)


def _unprivileged(old: Guest, new: Guest) -> Iterable[FieldChange]:
    if old.unprivileged != new.unprivileged:
        words = {True: "yes", False: "no"}
        yield FieldChange("unprivileged", words[old.unprivileged], words[new.unprivileged], Effect.REPLACE)


def _text(volume: Volume | None) -> str | None:
    return str(volume) if volume else None
