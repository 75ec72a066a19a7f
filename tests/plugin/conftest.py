"""A small repository with fake containers: what the suite makes of it, in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from harness.lifecycle import journal, plan_file
from harness.lifecycle.plan import Action, ContainerPlan, Plan

HARNESS = Path(__file__).resolve().parents[2]
CONFTEST = Path(__file__).with_name("fake_conftest.py")
SPEC = """
    def test_first():
        assert True

    def test_second():
        assert True
"""


class Repository:
    """A repository of containers that exist only in a directory of notes, ``made/``."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.path = pytester.path
        self.runs = self.path / "runs"
        self.entries: list[ContainerPlan] = []
        (self.path / "conftest.py").write_text(CONFTEST.read_text())
        (self.path / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")

    def add(
        self,
        name: str,
        *,
        needs: tuple[str, ...] = (),
        action: Action = Action.CREATE,
        spec: str = SPEC,
        revision: str = "r1",
        **behaviour: Any,
    ) -> Repository:
        """A container. ``behaviour`` orders the fake by stage: ``converge="fail"``, ``"crash"``, ``"unreachable"``."""
        directory = self.path / "libs" / name
        (directory / "specs").mkdir(parents=True, exist_ok=True)
        (directory / "config.env").write_text("ID=1\n")
        (directory / "specs" / f"test_{name}.py").write_text(textwrap.dedent(spec))
        self.behave(name, **behaviour)
        entry = ContainerPlan(
            name, 111, "pve", name, "10.143.0.11", action, "it is new", revision=revision, needs=needs
        )
        self.entries = [*(other for other in self.entries if other.name != name), entry]
        return self

    def behave(self, name: str, **behaviour: Any) -> None:
        """Change what the fake does from now on."""
        (self.path / "libs" / name / "behaviour.json").write_text(json.dumps(behaviour))

    def command(self, mode: str, *arguments: str, run: str = "1") -> list[str]:
        """The command line of a run, its directory with the plan made."""
        directory = self.runs / run
        directory.mkdir(parents=True, exist_ok=True)
        plan_file.write(directory / "plan.json", Plan("embedded", "mr-1", None, tuple(self.entries)))
        base = [sys.executable, "-m", "pytest", f"--gitops={mode}", f"--gitops-run={directory}"]
        return [*base, *arguments]

    def run(self, mode: str, *arguments: str, run: str = "1") -> Ran:
        """Run it to its end."""
        return self.execute(self.command(mode, *arguments, run=run), run)

    def deploy(self, *arguments: str, run: str = "1") -> Ran:
        """Run it in deploy mode."""
        return self.run("deploy", *arguments, run=run)

    def execute(self, command: list[str], run: str = "1") -> Ran:
        """Run any command in the repository."""
        done = subprocess.run(command, cwd=self.path, capture_output=True, text=True, timeout=60, check=False)
        return Ran(done.returncode, done.stdout + done.stderr, self.runs / run)

    def interrupted(self, *arguments: str, when: str) -> Ran:
        """Run in deploy mode, Ctrl-C as soon as the fake has begun ``when`` (``broker.converge``)."""
        process = subprocess.Popen(
            self.command("deploy", *arguments),
            cwd=self.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        begun = self.path / "begun" / when
        assert process.stdout is not None
        while process.poll() is None and not begun.exists():
            os.sched_yield()
        os.killpg(process.pid, signal.SIGINT)
        output = process.communicate(timeout=60)[0]
        return Ran(process.returncode, output, self.runs / "1")

    def made(self, name: str) -> list[str]:
        """The stages that the fake has done to a container, in order."""
        notes = self.path / "made" / name
        return notes.read_text().split() if notes.exists() else []


class Ran:
    """What came of a run."""

    def __init__(self, code: int, output: str, directory: Path) -> None:
        self.code = code
        self.output = output
        self.directory = directory

    @property
    def ends(self) -> tuple[journal.Event, ...]:
        """All ends in the journal."""
        events = journal.read(self.directory / journal.FILE_NAME)
        return tuple(event for event in events if event.kind is journal.Kind.END)

    def outcomes(self, container: str) -> dict[str, str]:
        """Outcome by item, specs by their function's name."""
        return {
            event.item.rsplit("::", 1)[-1]: str(event.outcome) for event in self.ends if event.container == container
        }

    def reason(self, container: str, item: str) -> str:
        """What the journal says of an item that did not pass."""
        return next(
            str(event.evidence.get("error", ""))
            for event in self.ends
            if event.container == container and event.item.rsplit("::", 1)[-1] == item
        )

    def workers(self, container: str) -> set[str]:
        """Who ran a container's items."""
        return {event.worker for event in self.ends if event.container == container}

    def position(self, container: str, item: str) -> int:
        """Where an item's end stands in the journal."""
        names = [(event.container, event.item.rsplit("::", 1)[-1]) for event in self.ends]
        return names.index((container, item))


@pytest.fixture(scope="session")
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the many short processes of these tests share what they compiled."""
    return tmp_path_factory.mktemp("bytecode")


@pytest.fixture
def repository(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, bytecode: Path) -> Repository:
    """An empty repository whose containers are made by ``add``."""
    monkeypatch.setenv("PYTHONPATH", str(HARNESS))
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(bytecode))
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_ADDOPTS", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    return Repository(pytester)


WORKERS = (("-n0",), ("-n2",))


@pytest.fixture(params=WORKERS, ids=lambda value: value[0])
def workers(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """With and without xdist."""
    found: tuple[str, ...] = request.param
    return found
