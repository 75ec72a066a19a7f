"""Base64 as Go's ``encoding/base64`` reads it: the position of what is wrong is part of Gitea's answers."""

from __future__ import annotations

import base64
import binascii
import string

_ALPHABET = frozenset((string.ascii_letters + string.digits + "+/").encode())


class CorruptError(ValueError):
    """No base64; the words are Go's."""

    def __init__(self, position: int) -> None:
        super().__init__(f"illegal base64 data at input byte {position}")


def decode(text: str) -> bytes:
    """The bytes that ``text`` stands for; line ends are passed over. Raises ``CorruptError``."""
    data = text.encode()
    _check(data)
    try:
        return base64.b64decode(data)
    except binascii.Error as wrong:
        raise CorruptError(len(data)) from wrong


def _check(data: bytes) -> None:
    """Raise on the first byte that Go would stumble over: a strange one, or the start of a group that is cut off."""
    count = 0
    for at, byte in enumerate(data):
        if byte in b"\r\n":
            continue
        if byte not in _ALPHABET:
            _check_end(data, at, count)
            return
        count += 1
    if count % 4:
        raise CorruptError(len(data) - count % 4)


def _check_end(data: bytes, at: int, count: int) -> None:
    """From ``at`` on there may be padding that fills a group of four, and nothing else."""
    rest = data[at:].replace(b"\r", b"").replace(b"\n", b"")
    if data[at] == ord("=") and count % 4 >= 2 and rest == b"=" * (4 - count % 4):
        return
    raise CorruptError(at)
