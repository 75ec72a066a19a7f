"""A patch as git writes it, taken apart for a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.embedded.forge.pages import visible

_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@(.*)")
_ESCAPE = re.compile(r"\\([0-7]{3}|.)")
_NAMED = {"n": b"\n", "t": b"\t", "r": b"\r", "a": b"\a", "b": b"\b", "f": b"\f", "v": b"\v"}
MOST_LINES = 4000


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a difference. ``kind``: same, added, removed, hunk, note. Numbers are 0 where it has none."""

    kind: str
    old: int
    new: int
    text: str


@dataclass(slots=True)
class FileDiff:
    """One file. ``status``: changed, added, removed, renamed. ``cut``: lines that are not shown."""

    path: str
    previous: str = ""
    status: str = "changed"
    binary: bool = False
    additions: int = 0
    deletions: int = 0
    cut: int = 0
    notes: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)


def parse(raw: bytes, most: int = MOST_LINES) -> list[FileDiff]:
    """The files of a patch; of their lines the first ``most``, the others counted only."""
    found: list[FileDiff] = []
    left = most
    for part in _parts(visible.text(raw.decode(errors="replace"))):
        one = _file(part, left)
        left -= len(one.lines)
        found.append(one)
    return found


def _parts(text: str) -> Iterator[list[str]]:
    part: list[str] = []
    for line in text.split("\n"):
        if line.startswith("diff --git "):
            if part:
                yield part
            part = []
        part.append(line)
    if part and part[0].startswith("diff --git "):
        yield part


def _file(lines: list[str], left: int) -> FileDiff:
    body = next((at for at, line in enumerate(lines) if line.startswith("@@ ")), len(lines))
    one = _head(lines[:body])
    _body(one, lines[body:], left)
    return one


def _head(lines: list[str]) -> FileDiff:
    one = FileDiff(_same_name(lines[0].removeprefix("diff --git ")))
    for line in lines[1:]:
        word, _, rest = line.partition(" ")
        if line.startswith("new file"):
            one.status = "added"
        elif line.startswith("deleted file"):
            one.status = "removed"
        elif line.startswith("rename from "):
            one.status, one.previous = "renamed", _name(line.removeprefix("rename from "))
        elif line.startswith("rename to "):
            one.path = _name(line.removeprefix("rename to "))
        elif word in {"+++", "---"} and rest != "/dev/null":
            one.path = _name(rest.rstrip("\t"))[2:] if word == "+++" or one.status == "removed" else one.path
        elif line.startswith(("old mode", "new mode")):
            one.notes.append(line)
        elif line.startswith(("Binary files", "GIT binary patch")):
            one.binary = True
    return one


def _same_name(both: str) -> str:
    """The name in ``a/x b/x``, whose two halves are alike unless a later line says otherwise."""
    if both.startswith('"'):
        return _name(both[: both.find('" ') + 1])[2:]
    return both[: len(both) // 2][2:]


def _name(text: str) -> str:
    """A path that git may have quoted (git-config(1), core.quotePath)."""
    if not text.startswith('"'):
        return text
    raw = b"".join(_unescaped(text.strip('"')))
    return raw.decode(errors="replace")


def _unescaped(text: str) -> Iterator[bytes]:
    at = 0
    for match in _ESCAPE.finditer(text):
        yield text[at : match.start()].encode()
        code = match.group(1)
        yield bytes([int(code, 8) & 255]) if len(code) == 3 else _NAMED.get(code, code.encode())
        at = match.end()
    yield text[at:].encode()


def _body(one: FileDiff, lines: list[str], left: int) -> None:
    old = new = 0
    for text in lines:
        line = _line(text, old, new)
        if line is None:
            continue
        if line.kind == "hunk":
            old, new = line.old, line.new
        one.additions += line.kind == "added"
        one.deletions += line.kind == "removed"
        if line.kind in {"same", "removed"}:
            old += 1
        if line.kind in {"same", "added"}:
            new += 1
        if len(one.lines) < left:
            one.lines.append(line)
        else:
            one.cut += 1


def _line(text: str, old: int, new: int) -> Line | None:
    hunk = _HUNK.match(text)
    if hunk:
        return Line("hunk", int(hunk[1]), int(hunk[2]), hunk[3].strip())
    if text.startswith("+"):
        return Line("added", 0, new, text[1:])
    if text.startswith("-"):
        return Line("removed", old, 0, text[1:])
    if text.startswith("\\"):
        return Line("note", 0, 0, text[2:])
    return Line("same", old, new, text[1:]) if text.startswith(" ") else None
