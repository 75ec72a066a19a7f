"""Filter patterns of Actions: ``*`` stays within a segment, ``**`` does not, ``?`` and ``+`` repeat a character.

They come with pull requests, so matching takes time in proportion to pattern and text, whatever they look like.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

LONGEST: Final = 256
"""Characters of one pattern."""


class GlobError(ValueError):
    """A pattern is not understood."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """One of ``letters`` (None: any but those), as often as the two flags say."""

    letters: frozenset[str] | None
    barred: frozenset[str] = frozenset()
    may_lack: bool = False
    repeats: bool = False

    def takes(self, letter: str) -> bool:
        return letter in self.letters if self.letters is not None else letter not in self.barred


_WITHIN: Final = _Piece(None, frozenset("/"), may_lack=True, repeats=True)
_ACROSS: Final = _Piece(None, may_lack=True, repeats=True)
_REPEATED: Final = {"?": (True, False), "+": (False, True)}


@lru_cache(maxsize=512)
def read(pattern: str) -> tuple[_Piece, ...]:
    """The pieces of a pattern without its ``!``; raises ``GlobError``."""
    if len(pattern) > LONGEST:
        raise GlobError(f"the pattern is longer than {LONGEST} characters")
    found: list[_Piece] = []
    at = 0
    while at < len(pattern):
        letter = pattern[at]
        if letter in _REPEATED:
            found.append(_again(pattern, found.pop() if found else None, letter))
            at += 1
        elif letter == "[":
            piece, at = _choice(pattern, at)
            found.append(piece)
        elif letter == "*":
            across = pattern.startswith("**", at)
            found.append(_ACROSS if across else _WITHIN)
            at += 1 + across
        else:
            found.append(_Piece(frozenset(letter)))
            at += 1
    return tuple(found)


def _again(pattern: str, before: _Piece | None, sign: str) -> _Piece:
    if before is None or before.may_lack or before.repeats:
        raise GlobError(f"'{sign}' in '{pattern}' has no single character before it")
    may_lack, repeats = _REPEATED[sign]
    return _Piece(before.letters, before.barred, may_lack, repeats)


def _choice(pattern: str, at: int) -> tuple[_Piece, int]:
    """``[abc0-9]``, and where the pattern goes on."""
    end = pattern.find("]", at)
    inner = pattern[at + 1 : end]
    if end < 0 or not inner:
        raise GlobError(f"'[' in '{pattern}' names no characters")
    letters: set[str] = set()
    place = 0
    while place < len(inner):
        if inner[place + 1 : place + 2] == "-" and place + 2 < len(inner):
            letters.update(map(chr, range(ord(inner[place]), min(ord(inner[place + 2]), 0x2FFF) + 1)))
            place += 3
        else:
            letters.add(inner[place])
            place += 1
    return _Piece(frozenset(letters)), end + 1


def matches(pattern: str, text: str) -> bool:
    """Whether the whole of ``text`` fits."""
    pieces = read(pattern)
    states = _onwards(pieces, {0})
    for letter in text:
        moved = set()
        for state in states:
            if state < len(pieces) and pieces[state].takes(letter):
                moved.add(state if pieces[state].repeats else state + 1)
                moved.add(state + 1)
        states = _onwards(pieces, moved)
        if not states:
            return False
    return len(pieces) in states


def _onwards(pieces: tuple[_Piece, ...], states: set[int]) -> set[int]:
    """With the states that are reached without taking a letter."""
    found = set(states)
    for state in range(len(pieces)):
        if state in found and pieces[state].may_lack:
            found.add(state + 1)
    return found
