"""Makes commits in a scratch repository from files that lie somewhere else: no index, no checkout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from harness.kit.errors import HarnessError
from harness.repo.objects import SUBMODULE, Entry, encode, tree_id
from harness.repo.scratch import Scratch

Content = Callable[[str], bytes | None]
"""The bytes of a path."""


class ChangedMeanwhile(HarnessError):  # noqa: N818  (named for what happened)
    """Files changed between being listed and being read."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who made a commit."""

    name: str = "Proxmox-GitOps"
    email: str = "gitops@localhost"

    @property
    def line(self) -> str:
        """As git writes it, without what would end the line."""
        clean = [text.translate(_FORBIDDEN).strip() or "unknown" for text in (self.name, self.email)]
        return f"{clean[0]} <{clean[1]}>"


_FORBIDDEN: Final = {ord(char): None for char in "<>\n\r\0"}
_BEGINNING: Final = 946684800  # 2000-01-01: a fixed moment, so that the first commit is the same one everywhere


def commit(
    scratch: Scratch,
    files: Mapping[str, Entry],
    content: Content,
    *,
    parents: tuple[str, ...],
    message: str,
    author: Author,
    when: int,
    ref: str,
) -> str:
    """Commit exactly ``files`` on top of ``parents`` and let ``ref`` hold it; ``when`` in seconds since 1970.

    Raises ``ChangedMeanwhile`` when a file's bytes are no longer what its entry says.
    """
    absent = scratch.missing(entry.oid for entry in files.values() if entry.mode != SUBMODULE)
    stream = [*_header(ref, parents, message, f"{author.line} {when} +0000")]
    for path, entry in files.items():
        stream += _file(path, entry, content, absent)
    done = scratch.run("fast-import", "--quiet", "--force", stdin=b"".join([*stream, b"\nget-mark :1\ndone\n"]))
    sha = done.text.strip()
    if scratch.tree_of(sha) != tree_id(files):
        raise ChangedMeanwhile("files changed while they were read", hint="try again")
    return sha


def beginning(scratch: Scratch) -> str:
    """The first commit of every repository: no files, the same name everywhere, so that histories have one root."""
    scratch.run("hash-object", "-t", "tree", "-w", "--stdin")
    line = f"{Author().line} {_BEGINNING} +0000"
    text = f"tree {tree_id({})}\nauthor {line}\ncommitter {line}\n\nBegin\n"
    return scratch.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=text.encode()).text.strip()


def _header(ref: str, parents: tuple[str, ...], message: str, who: str) -> list[bytes]:
    text = message.encode()
    lines = [f"feature done\ncommit {ref}\nmark :1\nauthor {who}\ncommitter {who}\ndata {len(text)}\n".encode(), text]
    lines += [
        f"\n{word} {sha}".encode() for word, sha in zip(("from", *["merge"] * len(parents)), parents, strict=False)
    ]
    return [*lines, b"\ndeleteall\n"]


def _file(path: str, entry: Entry, content: Content, absent: set[str]) -> list[bytes]:
    if entry.mode == SUBMODULE or entry.oid not in absent:
        return [b"M %s %s %s\n" % (entry.mode.encode(), entry.oid.encode(), _quoted(path))]
    data = content(path)
    if data is None:
        raise ChangedMeanwhile(f"{path} has gone while it was read", hint="try again")
    return [b"M %s inline %s\ndata %d\n" % (entry.mode.encode(), _quoted(path), len(data)), data, b"\n"]


def _quoted(path: str) -> bytes:
    raw = encode(path).replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + raw + b'"'
