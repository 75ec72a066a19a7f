"""Task identifiers in PVE's format: ``UPID:node:pid:pstart:starttime:type:id:user:``, numbers as 8 hex digits."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FORM = re.compile(
    r"UPID:([a-zA-Z0-9][a-zA-Z0-9-]*):([0-9A-Fa-f]{8}):([0-9A-Fa-f]{8,9}):([0-9A-Fa-f]{8}):([^:\s]+):([^:\s]*):([^:\s]+):"
)


@dataclass(frozen=True, slots=True)
class Upid:
    """What a task identifier says."""

    node: str
    pid: int
    pstart: int
    starttime: int
    kind: str
    subject: str
    user: str

    def __str__(self) -> str:
        numbers = f"{self.pid:08X}:{self.pstart:08X}:{self.starttime:08X}"
        return f"UPID:{self.node}:{numbers}:{self.kind}:{self.subject}:{self.user}:"

    @property
    def account(self) -> str:
        """The user without the token."""
        return self.user.partition("!")[0]

    @property
    def facts(self) -> dict[str, object]:
        """The parts as the API shows them."""
        token = self.user.partition("!")[2]
        shown: dict[str, object] = {
            "upid": str(self),
            "node": self.node,
            "pid": self.pid,
            "pstart": self.pstart,
            "starttime": self.starttime,
            "type": self.kind,
            "id": self.subject,
            "user": self.account,
        }
        return {**shown, "tokenid": token} if token else shown


def parse(text: str) -> Upid | None:
    """The identifier, or None when it is none."""
    found = _FORM.fullmatch(text)
    if not found:
        return None
    pid, pstart, start = (int(found[index], 16) for index in (2, 3, 4))
    return Upid(found[1], pid, pstart, start, found[5], found[6], found[7])
