"""Bytes of a program's output into lines, masked."""

from __future__ import annotations

import codecs
from collections.abc import Callable

from harness.embedded.runner.masks import Masks

LONGEST = 16 * 1024  # characters; a longer line goes out in pieces


class Lines:
    """Feed it what was read; ``tell`` gets each finished line without its end."""

    def __init__(self, masks: Masks, tell: Callable[[list[str]], None]) -> None:
        self._masks = masks
        self._tell = tell
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, data: bytes) -> None:
        """More output."""
        *whole, self._rest = (self._rest + self._decoder.decode(data)).split("\n")
        found = [piece for line in whole for piece in self._pieces(line)]
        *cut, self._rest = self._cut(self._rest)
        if found or cut:
            self._tell([self._clean(line) for line in (*found, *cut)])

    def end(self) -> None:
        """No more output: a line that was not finished is one now."""
        rest, self._rest = self._rest + self._decoder.decode(b"", final=True), ""
        if rest:
            self._tell([self._clean(piece) for piece in self._pieces(rest)])

    def _pieces(self, line: str) -> list[str]:
        """A finished line; a command to the runner is obeyed before anything is shown."""
        self._obey(line)
        return self._cut(line)

    def _obey(self, line: str) -> None:
        if line.startswith("::add-mask::"):
            self._masks.add(_unescape(line.removeprefix("::add-mask::").rstrip("\r")))

    def _cut(self, text: str) -> list[str]:
        found = []
        while len(text) > LONGEST:
            place = self._masks.cut(text, LONGEST)
            found.append(text[:place])
            text = text[place:]
        return [*found, text]

    def _clean(self, line: str) -> str:
        """As a terminal would leave it: after a carriage return the line is written anew."""
        return self._masks.hide(line).rstrip("\r").rsplit("\r", 1)[-1].replace("\0", "")


def _unescape(value: str) -> str:
    return value.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
