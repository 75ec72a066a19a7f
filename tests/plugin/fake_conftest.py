"""The conftest.py of the test repositories: stages that only take notes, and fail as they are told."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from harness.kit.errors import HarnessError, UnreachableError
from harness.lifecycle.evidence import Evidence

pytest_plugins = ["harness.suite.plugin"]
ROOT = Path(__file__).parent


class FakeStages:
    """Notes what was asked of it, a file a container."""

    def __getattr__(self, stage):
        if stage.startswith("_"):
            raise AttributeError(stage)
        return lambda container: self._do(container, stage)

    def holds(self, container, stage):
        notes = ROOT / "made" / container
        done = notes.exists() and stage in notes.read_text().split()
        return None if done else f"{container} has no {stage}"

    def close(self):
        pass

    def _do(self, container, stage):
        (ROOT / "begun").mkdir(exist_ok=True)
        (ROOT / "begun" / f"{container}.{stage}").touch()
        behaviour = json.loads((ROOT / "libs" / container / "behaviour.json").read_text())
        self._obey(behaviour.get(stage), f"{container} {stage}")
        (ROOT / "made").mkdir(exist_ok=True)
        with (ROOT / "made" / container).open("a") as notes:
            notes.write(f"{stage}\n")
        return Evidence(changed=("file[/etc/motd]",) if stage == "converge" else (), facts={"engine": "itamae"})

    def _obey(self, order, what):
        if order == "fail":
            raise HarnessError(f"{what} went wrong", hint="mend it", detail="the last line of its output")
        if order == "unreachable":
            raise UnreachableError(f"{what} does not answer")
        if order == "raise":
            raise ZeroDivisionError(what)
        if order == "crash":
            os._exit(9)
        if order == "hang":
            time.sleep(60)
        if isinstance(order, float):
            time.sleep(order)


@pytest.hookimpl
def pytest_gitops_stages():
    return FakeStages()
