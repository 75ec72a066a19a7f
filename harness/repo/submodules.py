"""``.gitmodules``: where each part is found, always in the forge that holds the repository itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from harness.repo.objects import FILE, SUBMODULE, Entry, blob_id
from harness.repo.scratch import Scratch

FILE_NAME: Final = ".gitmodules"


def render(places: Iterable[str]) -> bytes:
    """The file for parts at ``places``. The addresses are relative: on another forge they mean that forge."""
    blocks = [_block(place, place.rpartition("/")[2]) for place in sorted(places)]
    return "".join(blocks).encode()


def _block(place: str, name: str) -> str:
    return f'[submodule "{place}"]\n\tpath = {place}\n\turl = ../{name}.git\n\tbranch = main\n'


def entries(pointers: Mapping[str, str]) -> dict[str, Entry]:
    """Submodules (place → commit) and ``.gitmodules`` as files of ``config``."""
    links = {place: Entry(SUBMODULE, sha) for place, sha in pointers.items()}
    return {**links, FILE_NAME: Entry(FILE, blob_id(render(pointers)))} if links else links


def pointers(scratch: Scratch, sha: str) -> dict[str, str]:
    """Place → commit of the submodules of a commit of ``config``."""
    found = scratch.entries(sha).items()
    return {path: entry.oid for path, entry in found if entry.mode == SUBMODULE}
