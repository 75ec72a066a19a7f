"""Version numbers in their own order: 18.10 is newer than 18.9."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from harness.kit.errors import UsageError

_SEMANTIC = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
_RULE = re.compile(r"(~>)?\s*(\d+(?:\.\d+){0,2})")


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A semantic version (semver.org 2.0, item 11): a pre-release comes before its release."""

    numbers: tuple[int, int, int]
    precedence: tuple[tuple[int, int, str], ...]
    text: str = ""

    @property
    def stable(self) -> bool:
        """Whether it is no pre-release."""
        return self.precedence == _RELEASED


_RELEASED = ((2, 0, ""),)


def parse(text: str) -> Version | None:
    """``text`` as a version, or None when it is none (a mirror lists folders of other kinds too)."""
    found = _SEMANTIC.fullmatch(text.strip())
    if found is None:
        return None
    major, minor, patch, pre = found.groups()
    precedence = tuple(_identifier(part) for part in pre.split(".")) if pre else _RELEASED
    return Version((int(major), int(minor), int(patch)), precedence, text.strip())


def _identifier(part: str) -> tuple[int, int, str]:
    return (0, int(part), "") if part.isdigit() else (1, 0, part)


@dataclass(frozen=True, slots=True)
class Rule:
    """Which versions are allowed: ``18.8.54`` exactly that, ``18`` or ``18.8`` all that begin so, ``~> 18.4`` from
    18.4 up to below 19."""

    text: str

    @property
    def exact(self) -> str | None:
        """The one version allowed, or None."""
        return self.text if _SEMANTIC.fullmatch(self.text) else None

    def allows(self, version: Version) -> bool:
        """Whether ``version`` satisfies the rule. Raises ``UsageError`` when the rule cannot be read."""
        if self.exact:
            return version.text == self.exact
        open_ended, numbers = self._parts()
        if not version.stable:
            return False
        if not open_ended:
            return version.numbers[: len(numbers)] == numbers
        fixed = max(1, len(numbers) - 1)
        return version.numbers[:fixed] == numbers[:fixed] and version.numbers[: len(numbers)] >= numbers

    def _parts(self) -> tuple[bool, tuple[int, ...]]:
        found = _RULE.fullmatch(self.text.strip())
        if found is None:
            raise UsageError(f"{self.text!r} is no version rule", hint="write 18.8.54, 18.8 or ~> 18.8")
        return bool(found[1]), tuple(int(number) for number in found[2].split("."))


def newest(texts: Iterable[str], rule: Rule) -> str | None:
    """The newest of ``texts`` that ``rule`` allows; pre-releases only when named exactly."""
    allowed = [version for version in map(parse, texts) if version and rule.allows(version)]
    return max(allowed).text if allowed else None
