"""The dotenv grammar of ``config.env``: read as data, never executed by a shell, nothing expanded.

One assignment a line: ``KEY=value``, optionally after ``export``. A value is bare (ends at white space followed by
``#``), in single quotes (literal) or in double quotes (``\\n``, ``\\t``, ``\\"``, ``\\\\`` and ``\\$`` are escapes).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from harness.kit.errors import Problem

_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?(?P<key>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<rest>.*)", re.DOTALL)
_SINGLE = re.compile(r"'(?P<value>[^']*)'(?P<after>.*)")
_DOUBLE = re.compile(r'"(?P<value>(?:[^"\\]|\\.)*)"(?P<after>.*)')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}


@dataclass(frozen=True, slots=True)
class Assignment:
    """``key`` was set to ``value`` on ``line`` (counted from 1)."""

    key: str
    value: str
    line: int


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a file says, and what in it could not be understood."""

    assignments: tuple[Assignment, ...] = ()
    problems: tuple[Problem, ...] = ()


class _LineError(ValueError):
    """A line that is not an assignment; the first argument is the rule, the second a hint."""


def read(path: Path, shown: Path | None = None) -> Parsed:
    """Parse the file ``path``; problems name it as ``shown``."""
    shown = shown or path
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return Parsed(
            problems=(Problem(shown, line, "bytes that are not UTF-8", "it is UTF-8 text", "save it as UTF-8"),)
        )
    except OSError as error:
        return Parsed(
            problems=(Problem(shown, None, "cannot be read", error.strerror or str(error), "look at its mode"),)
        )
    return parse(text, shown)


def parse(text: str, shown: Path) -> Parsed:
    """Parse ``text``; a key set twice in one file is a problem, because one of the two would be lost unseen."""
    assignments: dict[str, Assignment] = {}
    problems: list[Problem] = []
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            assignment = _assignment(line.strip(), number)
        except _LineError as error:
            rule, hint = error.args
            problems.append(Problem(shown, number, line.strip(), rule, hint))
            continue
        if assignment is None:
            continue
        earlier = assignments.setdefault(assignment.key, assignment)
        if earlier is not assignment:
            problems.append(_set_twice(shown, assignment, earlier))
    return Parsed(tuple(assignments.values()), tuple(problems))


def _set_twice(shown: Path, assignment: Assignment, earlier: Assignment) -> Problem:
    found = f"{assignment.key}={assignment.value}"
    rule = f"{assignment.key} is already set in line {earlier.line}, to {earlier.value or 'nothing'}"
    return Problem(shown, assignment.line, found, rule, "keep one of the two lines")


def _assignment(line: str, number: int) -> Assignment | None:
    if not line or line.startswith("#"):
        return None
    match = _ASSIGNMENT.fullmatch(line)
    if match is None:
        raise _LineError("each line is KEY=value, a # comment, or empty", "write KEY=value")
    return Assignment(match["key"], _value(match["rest"]), number)


def _value(rest: str) -> str:
    if rest[:1] == "'":
        return _quoted(_SINGLE, rest)
    if rest[:1] == '"':
        return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), _quoted(_DOUBLE, rest))
    return _bare(rest)


def _bare(rest: str) -> str:
    """A bare value: up to a ``#`` that stands first or after white space."""
    for match in re.finditer(r"#", rest):
        if match.start() == 0 or rest[match.start() - 1].isspace():
            return rest[: match.start()].rstrip()
    return rest


def _quoted(pattern: re.Pattern[str], rest: str) -> str:
    match = pattern.fullmatch(rest)
    if match is None:
        raise _LineError("a quoted value ends on its own line", f"close the {rest[0]}")
    after = match["after"].strip()
    if after and not after.startswith("#"):
        raise _LineError(f"nothing but a comment follows a quoted value, not {after!r}", "quote the whole value")
    return match["value"]
