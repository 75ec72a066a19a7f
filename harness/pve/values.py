"""How PVE writes values: property strings, sizes, lists of tags, start-up orders."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

_SIZE: Final = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>[KMGT]?)")
_MIB: Final = {"": 1 / 1048576, "K": 1 / 1024, "M": 1.0, "G": 1024.0, "T": 1048576.0}


def parse_properties(text: str, default_key: str = "") -> dict[str, str]:
    """``name=eth0,bridge=vmbr0`` as a mapping; a part without ``=`` is the value of ``default_key``."""
    result: dict[str, str] = {}
    for part in text.split(","):
        key, sign, value = part.partition("=")
        if sign:
            result[key.strip()] = value.strip()
        elif key.strip():
            result[default_key] = key.strip()
    return result


def render_properties(values: Mapping[str, str], default_key: str = "") -> str:
    """The reverse of ``parse_properties``; the default key stands first, without its name."""
    head = [values[default_key]] if default_key in values else []
    return ",".join([*head, *(f"{key}={value}" for key, value in values.items() if key != default_key)])


def size_mib(text: str) -> float:
    """MiB of PVE's disk size ``8G``, ``768M``, ``1536M``; a bare number is bytes. Raises ``ValueError``."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"no disk size: {text!r}")
    return float(match["number"]) * _MIB[match["unit"]]


def render_size(mib: float) -> str:
    """``8G`` where whole GiB, else MiB, as people read it."""
    return f"{mib / 1024:g}G" if mib % 1024 == 0 or mib > 10240 else f"{mib:g}M"


def render_tags(tags: Iterable[str]) -> str:
    """Tags as PVE keeps them: lower-cased, once each, sorted, joined by ``;``."""
    return ";".join(sorted({tag.strip().lower() for tag in tags if tag.strip()}))


def parse_tags(text: str) -> tuple[str, ...]:
    """Any of PVE's separators (blank, comma, semicolon) accepted."""
    return tuple(sorted({tag.lower() for tag in re.split(r"[\s,;]+", text) if tag}))


def flags(text: str) -> dict[str, str]:
    """Feature flags that are on; ``nesting=0`` says the same as nothing."""
    return {key: value for key, value in sorted(parse_properties(text).items()) if value != "0"}


def startup(text: str) -> str:
    """Start-up order in PVE's own spelling: ``2,up=5`` is ``order=2,up=5``."""
    return render_properties(parse_properties(text, "order")) if text else ""


def address_of(config: Mapping[str, object]) -> str:
    """The IPv4 address of a container's first interface, without its prefix length; "" where it has none."""
    return parse_properties(str(config.get("net0", ""))).get("ip", "").partition("/")[0]
