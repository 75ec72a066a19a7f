"""All that a converge needs, as one tar: cookbook, helper modules, engine layer, attributes."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.converge.cookbook import Cookbook
from harness.kit.secret import Secret

RUBY = Path(__file__).parent / "ruby"
"""The layers of the engines; part of every container's revision."""
SCRIPTS = Path(__file__).parent / "scripts"
COOKBOOK_PARTS = ("attributes", "files", "libraries", "recipes", "resources", "templates", "metadata.rb")
"""What of a library's folder is a cookbook; its config.env and specs stay here."""


def pack(
    cookbook: Cookbook,
    attributes: Mapping[str, object],
    *,
    engine: str,
    files: Mapping[str, bytes] | None = None,
) -> bytes:
    """The tar that ``scripts/enter.sh`` unpacks: every file 0600, every directory 0700, owned by root.

    ``engine`` names the layer and script to take along; ``files`` are further ones by their name in the bundle.
    """
    contents = dict(_cookbook(cookbook.directory, cookbook.name))
    contents.update((f"cookbooks/{cookbook.name}/{path}", data) for path, data in cookbook.more.items())
    contents.update(_tree(cookbook.helpers / "libraries", "libraries"))
    contents.update(_tree(RUBY / engine, engine))
    contents["run.sh"] = (SCRIPTS / f"{engine}.sh").read_bytes()
    contents["attributes.json"] = encode(attributes)
    contents.update(files or {})
    return _tar(contents)


def encode(attributes: Mapping[str, object]) -> bytes:
    """The attributes as JSON with secrets revealed: they go into a private file and nowhere else."""
    return json.dumps(attributes, default=_reveal, ensure_ascii=False).encode()


def _reveal(value: object) -> object:
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    return str(value)


def _cookbook(folder: Path, name: str) -> Iterator[tuple[str, bytes]]:
    yield f"cookbooks/{name}/metadata.rb", f"name '{name}'\nversion '0.0.0'\n".encode()
    for part in COOKBOOK_PARTS:
        path = folder / part
        if path.is_dir():
            yield from _tree(path, f"cookbooks/{name}/{part}")
        elif path.is_file():
            yield f"cookbooks/{name}/{part}", path.read_bytes()


def _tree(folder: Path, prefix: str) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield f"{prefix}/{path.relative_to(folder).as_posix()}", path.read_bytes()


def _tar(contents: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for folder in _folders(contents):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o700
            tar.addfile(entry)
        for name, data in sorted(contents.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o600
            tar.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


def _folders(contents: Mapping[str, bytes]) -> list[str]:
    parents = {str(parent) for name in contents for parent in Path(name).parents}
    return sorted(parents - {"."})
