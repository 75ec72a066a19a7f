"""Parameters out of query, form, JSON and multipart, as PVE's HTTP server reads them."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote_to_bytes

from harness.embedded.node.errors import RawError
from harness.embedded.node.routing import Upload

Values = dict[str, Any]


def from_form(text: str) -> Values:
    """Pairs separated by ``&`` or ``;``; a key without ``=`` has no value; repeated keys are one list (NUL between)."""
    values: Values = {}
    for pair in re.split(r"[&;]", text):
        if not pair:
            continue
        key, equals, raw = pair.partition("=")
        name, value = _decode(key), _decode(raw) if equals else None
        both = values.get(name) is not None and value is not None
        values[name] = f"{values[name]}\0{value}" if both else value
    return values


def _decode(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ")).decode(errors="replace")


def from_body(body: bytes, content_type: str) -> tuple[Values, dict[str, Upload]]:
    """The values and files of a body."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json":
        return from_json(body), {}
    if kind == "multipart/form-data":
        return from_multipart(body, content_type)
    return from_form(body.decode("latin-1")), {}


def from_json(body: bytes) -> Values:
    """The members of a JSON object; scalars as the text that a form would carry."""
    try:
        loaded = json.loads(body or b"{}", parse_constant=_no_number)
        if b"\\u" in body:
            json.dumps(loaded, ensure_ascii=False).encode()  # refuses halves of surrogate pairs
    except (ValueError, RecursionError):
        raise RawError(500, "malformed JSON string") from None
    if not isinstance(loaded, dict):
        raise RawError(500, "not a HASH reference")
    return {key: _plain(value) for key, value in loaded.items()}


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is none of JSON's numbers")


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def from_multipart(body: bytes, content_type: str) -> tuple[Values, dict[str, Upload]]:
    """The fields and files of a multipart body (RFC 7578); bytes of files are kept as they are."""
    values: Values = {}
    files: dict[str, Upload] = {}
    boundary = re.search(r'boundary="?([^";,]+)"?', content_type)
    for part in body.split(b"--" + boundary[1].encode())[1:-1] if boundary else []:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name, filename = _disposition(head.decode("utf-8", errors="replace"))
        content = content.removesuffix(b"\r\n")
        if filename is None:
            values[name] = content.decode(errors="replace")
        else:
            files[name] = Upload(filename, content)
            values[name] = filename
    return values, files


def _disposition(head: str) -> tuple[str, str | None]:
    name = re.search(r'[;\s]name="([^"]*)"', head)
    filename = re.search(r'filename="([^"]*)"', head)
    return name[1] if name else "", filename[1] if filename else None
