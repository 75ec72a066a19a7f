"""Checks of Python, git, ssh and disk space: what every command needs on this machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from harness.cli.doctor.finding import Finding, note, ok, problem
from harness.cli.doctor.machine import Machine

OLDEST_PYTHON = (3, 11)
GIB = 1024**3
_LEAST_FREE = 2 * GIB
_COMFORTABLE = 6 * GIB


@dataclass(frozen=True, slots=True)
class Program:
    """A program the harness calls, how it tells its version, and the Debian package that brings it."""

    name: str
    version: tuple[str, ...]
    package: str


PROGRAMS = (
    Program("git", ("git", "--version"), "git"),
    Program("ssh", ("ssh", "-V"), "openssh-client"),
    Program("ssh-keygen", (), "openssh-client"),
)


def missing(machine: Machine) -> tuple[Program, ...]:
    """Those of ``PROGRAMS`` that are not installed."""
    return tuple(program for program in PROGRAMS if machine.find(program.name) is None)


def check_python(machine: Machine) -> Finding:
    """The interpreter's version."""
    version = machine.python_version()
    found = ".".join(map(str, version))
    if version[:2] < OLDEST_PYTHON:
        return problem("Python", found, "install Python 3.11 or newer, remove .venv and type the same again")
    return ok("Python", found)


def check_program(machine: Machine, program: Program, *, versions: bool = True) -> Finding:
    """Whether it is there, with its version where that is wanted: asking for it starts the program."""
    path = machine.find(program.name)
    if path is None:
        return problem(program.name, "not installed", f"apt-get install {program.package}   (as root)")
    line = machine.first_line(program.version) if program.version and versions else ""
    number = re.search(r"\d+(\.\d+)+\w*", line)
    return ok(program.name, number.group() if number else path)


def check_disk(machine: Machine, directory: Path) -> Finding:
    """Free space where the state lies: a base image, three containers and their volumes take about 2 GiB."""
    free = machine.free_bytes(directory)
    found = f"{free / GIB:.1f} GiB free"
    if free < _LEAST_FREE:
        return problem(
            "disk space", found, f"free at least {_LEAST_FREE // GIB} GiB (docker system df shows what holds it)"
        )
    if free < _COMFORTABLE:
        return note("disk space", found, "enough for a few containers")
    return ok("disk space", found)


def check(machine: Machine, state: Path, *, versions: bool = True) -> list[Finding]:
    """All of this module's checks."""
    programs = [check_program(machine, program, versions=versions) for program in PROGRAMS]
    return [check_python(machine), *programs, check_disk(machine, state)]
