"""Who the repository is, wherever it is cloned or pushed: one line in ``local/monorepo-id``, kept in git."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from harness.kit.errors import ConfigurationError, Problem
from harness.kit.files import exclusive, write_atomic

FILE = Path("local") / "monorepo-id"
_FORM = re.compile(r"mr-[0-9a-f]{16}")


def monorepo_id(root: Path, *, create: bool) -> str | None:
    """The repository's id; made and written when missing and ``create``, else None.

    Raises ``ConfigurationError`` when the file holds something else.
    """
    path = root / FILE
    if not path.exists() and not create:
        return None
    if not path.exists():
        _write_new(path)
    text = path.read_text(errors="replace").strip()
    if not _FORM.fullmatch(text):
        raise ConfigurationError([_malformed(path, text)])
    return text


def _write_new(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(".monorepo-id.lock")
    try:
        with exclusive(lock):
            if not path.exists():
                write_atomic(path, f"mr-{secrets.token_hex(8)}\n")
    finally:
        lock.unlink(missing_ok=True)


def _malformed(path: Path, text: str) -> Problem:
    rule = "must be one line, mr- and 16 hexadecimal digits"
    hint = "take it from git again: containers carry the id, another one means they are no longer yours"
    return Problem(path, 1, repr(text[:40]), rule, hint)
