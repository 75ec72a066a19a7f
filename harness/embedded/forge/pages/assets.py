"""The style sheet, the script and the sign: read once, kept by browsers until they change."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from starlette.responses import Response

_FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file with its mark, which is part of its address."""

    data: bytes
    mark: str
    type: str


def _read(path: Path) -> Asset:
    data = path.read_bytes()
    return Asset(data, hashlib.sha256(data).hexdigest()[:12], _TYPES[path.suffix])


_ASSETS = {path.name: _read(path) for path in sorted(_FOLDER.iterdir()) if path.suffix in _TYPES}


def address(name: str) -> str:
    """Where a page finds the file."""
    return f"/assets/{name}?v={_ASSETS[name].mark}"


def answer(name: str, mark: str) -> Response | None:
    """The file; ``None`` when there is none of that name."""
    found = _ASSETS.get(name)
    if found is None:
        return None
    kept = "public, max-age=31536000, immutable" if mark == found.mark else "no-cache"
    headers = {"cache-control": kept, "x-content-type-options": "nosniff", "etag": f'"{found.mark}"'}
    return Response(found.data, 200, headers, media_type=found.type)
