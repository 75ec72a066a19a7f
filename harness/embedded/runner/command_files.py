"""The files by which a step tells the runner something: ``GITHUB_ENV`` and ``GITHUB_PATH``.

``GITHUB_OUTPUT`` and ``GITHUB_STEP_SUMMARY`` are there to be written to, and nobody reads them: the forge fills in
expressions before a job starts, so no expression could see an output.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_MOST = 1024 * 1024  # bytes read of a file, as GitHub limits a step's summary and outputs


class CommandFileError(ValueError):
    """A file that a step wrote cannot be read."""


@dataclass(frozen=True, slots=True)
class CommandFiles:
    """The four files of one step."""

    env: Path
    output: Path
    path: Path
    summary: Path

    @classmethod
    def make(cls, directory: Path, number: int) -> CommandFiles:
        """Empty ones."""
        found = cls(*(directory / f"{name}-{number}" for name in ("env", "output", "path", "summary")))
        for path in (found.env, found.output, found.path, found.summary):
            path.touch(mode=0o600)
        return found

    def variables(self) -> Mapping[str, str]:
        """For the environment."""
        return {
            "GITHUB_ENV": str(self.env),
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_PATH": str(self.path),
            "GITHUB_STEP_SUMMARY": str(self.summary),
        }


def read(path: Path) -> str:
    """A file's text, empty when the step has removed it; raises ``CommandFileError`` when it is too long."""
    if not path.is_file():
        return ""
    with path.open("rb") as stream:
        data = stream.read(_MOST + 1)
    if len(data) > _MOST:
        raise CommandFileError(f"{path.name}: longer than {_MOST >> 10} KiB")
    return data.decode(errors="replace")


def read_values(path: Path) -> dict[str, str]:
    """``NAME=value`` lines, and ``NAME<<END`` followed by lines up to ``END``. Raises ``CommandFileError``."""
    lines = iter(read(path).splitlines())
    return dict(_value(path, line, lines) for line in lines if line.strip())


def _value(path: Path, line: str, rest: Iterator[str]) -> tuple[str, str]:
    equals, heredoc = line.find("="), line.find("<<")
    if heredoc > 0 and (equals < 0 or heredoc < equals):
        return line[:heredoc], "\n".join(_until(path, line[heredoc + 2 :], rest))
    if equals < 1:
        raise CommandFileError(f"{path.name}: {line!r} is neither NAME=value nor NAME<<END")
    return line[:equals], line[equals + 1 :]


def _until(path: Path, end: str, rest: Iterator[str]) -> Iterator[str]:
    for line in rest:
        if line == end:
            return
        yield line
    raise CommandFileError(f"{path.name}: {end!r} is missing at the end")
