"""PVE's property strings: ``name=eth0,bridge=vmbr0`` read and written by the schema's format of a parameter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Format = Mapping[str, Mapping[str, Any]]
_WORDS = {**dict.fromkeys(("on", "yes", "true"), "1"), **dict.fromkeys(("off", "no", "false"), "0")}


class PropertyError(ValueError):
    """The text does not fit. ``errors`` names the single properties; empty when the text has no shape at all."""

    def __init__(self, message: str, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.errors = dict(errors or {})


def default_key(form: Format) -> str | None:
    """The property whose name may be left out."""
    return next((name for name, rule in form.items() if rule.get("default_key")), None)


def split(form: Format, text: str) -> dict[str, str]:
    """The properties of ``text`` as they stand, without checking values; raises ``PropertyError``."""
    found: dict[str, str] = {}
    for part in text.split(","):
        if not part.strip():
            continue
        if "\n" in part:
            raise PropertyError("properties must not contain newlines")
        key, value = _pair(form, part)
        if key in found:
            raise PropertyError(f"duplicate key in comma-separated list property: {key}")
        found[key] = _boolean(value) if form.get(key, {}).get("type") == "boolean" else value
    return found


def _boolean(text: str) -> str:
    """``1`` or ``0`` for the words that a property string may carry; a parameter of its own may not."""
    return _WORDS.get(text.lower(), text)


def _pair(form: Format, part: str) -> tuple[str, str]:
    explicit = re.fullmatch(r"([^=]+)=(.+)", part)
    if explicit:
        return explicit[1], explicit[2]
    if "=" in part:
        raise PropertyError("missing key in comma-separated list property")
    name = default_key(form)
    if name is None:
        raise PropertyError("value without key, but schema does not define a default key")
    return name, part


def render(form: Format, values: Mapping[str, str]) -> str:
    """The text of ``values``: the default key's value first, then the keys in alphabetical order."""
    first = default_key(form)
    parts = [values[first]] if first is not None and first in values else []
    required = sorted(k for k in values if k != first and not form.get(k, {}).get("optional"))
    optional = sorted(k for k in values if k != first and form.get(k, {}).get("optional"))
    return ",".join(parts + [f"{key}={values[key]}" for key in required + optional])
