"""Chooses the engine and runs a cookbook with it: one round trip to the container."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.converge import bundle, cinc
from harness.converge.cookbook import Cookbook
from harness.converge.errors import ConvergeError
from harness.converge.mirror import MirrorAnswer, Release
from harness.converge.results import ConvergeResult, Transcript
from harness.kit.errors import UsageError
from harness.remote.connection import Connection
from harness.remote.errors import RemoteCommandError

AUTO, CINC, ITAMAE = "auto", "cinc", "itamae"
TIMEOUT = 3600.0
"""Seconds for one cookbook; packages over a slow line take long."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """Which engine runs a container's cookbook, and why that one."""

    name: str
    reason: str
    release: Release | None = None
    """The Cinc release to have installed; None for Itamae."""


def choose_engine(setting: str, mirror: MirrorAnswer) -> EngineChoice:
    """The engine for a container's ``ENGINE`` setting, given what the mirror answered in this run.

    Raises ``MirrorError`` when Cinc is demanded and its mirror does not answer, ``UsageError`` for another word.
    """
    if setting == ITAMAE:
        return EngineChoice(ITAMAE, "ENGINE=itamae")
    if setting == CINC:
        return EngineChoice(CINC, "ENGINE=cinc", mirror.require())
    if setting != AUTO:
        raise UsageError(f"ENGINE={setting} names no engine", hint="use auto, cinc or itamae")
    if mirror.release is None:
        return EngineChoice(ITAMAE, f"the Cinc mirror {mirror.url} is not usable ({mirror.problem})")
    return EngineChoice(CINC, f"the Cinc mirror {mirror.url} offers {mirror.release.version}", mirror.release)


def converge(
    connection: Connection,
    cookbook: Cookbook,
    attributes: Mapping[str, object],
    engine: EngineChoice,
    *,
    on_line: Callable[[str], None] = lambda _line: None,
    timeout: float = TIMEOUT,
) -> ConvergeResult:
    """Run ``cookbook`` in the container as root.

    ``attributes`` may hold ``Secret`` values; they travel in a private file. ``on_line`` gets redacted lines while
    they come. Raises ``ConvergeError`` when the cookbook fails, ``RemoteError`` when the connection does.
    """
    _check(cookbook)
    run = _Run(connection, cookbook, attributes, engine, timeout)
    transcript, seconds = run.once(on_line)
    if transcript.package_wanted and engine.release:
        # The container has no way to the mirror, this machine has one: it puts the package there.
        on_line("the container does not reach the mirror; fetching the package from here")
        connection.put(cinc.fetch(engine.release, transcript.package_wanted), cinc.PACKAGE, mode="0600", sudo=True)
        transcript, more = run.once(on_line)
        seconds += more
        if transcript.package_wanted:
            raise _failure(cookbook.name, engine.name, 69, transcript)
    return ConvergeResult(engine.name, tuple(transcript.resources), seconds, transcript.tail)


def _check(cookbook: Cookbook) -> None:
    name, folder = cookbook.name, cookbook.directory
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name for a cookbook", hint="use lower-case letters, digits, - and _")
    if not (folder / "recipes" / "default.rb").is_file():
        raise UsageError(f"{folder} has no recipes/default.rb", hint="see docs/libraries.md")
    if not (cookbook.helpers / "libraries").is_dir():
        raise UsageError(f"{cookbook.helpers} has no libraries/", hint="the helper modules belong to the repository")


@dataclass(frozen=True, slots=True)
class _Run:
    """One cookbook, one container; entered once, or twice when a package had to be put there first."""

    connection: Connection
    cookbook: Cookbook
    attributes: Mapping[str, object]
    engine: EngineChoice
    timeout: float

    def once(self, on_line: Callable[[str], None]) -> tuple[Transcript, float]:
        """Pack, enter, read what comes. Raises ``ConvergeError`` unless it went well or a package is wanted."""
        files = cinc.files(self.engine.release) if self.engine.release else {}
        data = bundle.pack(self.cookbook, self.attributes, engine=self.engine.name, files=files)
        transcript = Transcript(on_line)
        try:
            done = self.connection.run(
                _enter(self.cookbook.name),
                sudo=True,
                stdin=data,
                timeout=self.timeout,
                check=False,
                on_line=transcript.feed,
            )
        except RemoteCommandError as late:
            raise _out_of_time(self.cookbook.name, self.timeout, transcript) from late
        if (done.code != 0 or not transcript.done) and not transcript.package_wanted:
            raise _failure(self.cookbook.name, self.engine.name, done.code, transcript)
        return transcript, done.seconds


def _enter(name: str) -> str:
    script = (bundle.SCRIPTS / "enter.sh").read_text()
    return f"set -- {shlex.quote(name)}\n{script}"


def _failure(name: str, engine: str, code: int, transcript: Transcript) -> ConvergeError:
    failed = transcript.failed
    if failed is None:
        last = transcript.tail.splitlines()[-1:] or ["no output"]
        return ConvergeError(f"{name}: {engine} ended with {code}: {last[0]}", tail=transcript.tail)
    what = f"{failed.resource} {failed.action}" if failed.resource else "the recipe"
    where = f" ({failed.place})" if failed.place else ""
    return ConvergeError(
        f"{name}: {what}{where}: {failed.message}",
        resource=failed.resource,
        place=failed.place,
        tail="\n".join(part for part in (transcript.tail, failed.output) if part),
        hint=f"mend {failed.place} and deploy again" if failed.place else None,
    )


def _out_of_time(name: str, timeout: float, transcript: Transcript) -> ConvergeError:
    last = f"; the last that ended was {transcript.resources[-1]}" if transcript.resources else ""
    return ConvergeError(f"{name}: the converge did not end within {timeout:g} s{last}", tail=transcript.tail)
