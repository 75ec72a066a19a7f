"""Put below the conftest.py of a world without Docker: real stages on a real API, but nobody inside the containers.

What happens inside (``base``, ``converge``, ``idempotence``) does nothing. Files in ``local/play`` direct it:
``mute`` (containers that nothing but the real ssh answers for), ``hasty`` (time flies while something is waited for),
``full`` (nothing can be appended to a file).
"""

from __future__ import annotations

import dataclasses
import errno
import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.kit import files
from harness.kit.clock import SystemClock
from harness.lifecycle.stages import LifecycleStages
from harness.pve.client import Pve
from harness.remote.pool import Pool
from harness.suite.session import Session

PLAY = Path(__file__).parent / "local" / "play"


def told(name: str) -> list[str]:
    """The words of a direction; empty when it was not given."""
    return (PLAY / name).read_text().split() if (PLAY / name).exists() else []


class HastyClock(SystemClock):
    """A clock on which a short pause is a minute."""

    ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.01))
        self.ahead += 60.0


class Inside(Pool):
    """A login everywhere but in mute containers."""

    def get(self, vmid, address, user, *, deadline, first_contact=False):
        if str(vmid) in told("mute"):
            return super().get(vmid, address, user, deadline=deadline, first_contact=first_contact)
        return SimpleNamespace(user=user, run=lambda *_words, **_more: None)


class Quiet(LifecycleStages):
    """Nothing is done inside the containers."""

    def base(self, container):
        context = self.context(container)
        context.begin()
        return context.evidence((), {})

    converge = base

    def idempotence(self, container):
        return self.context(container).evidence((), {})


@pytest.hookimpl(tryfirst=True)
def pytest_gitops_stages(run, config):
    workspace = Session.of(config).workspace
    if told("hasty"):
        pve = Pve(workspace.pve.endpoint, workspace.pve.credentials, HastyClock())
        workspace = dataclasses.replace(workspace, pve=pve)
    workspace.__dict__["connections"] = Inside(workspace.share.keys, workspace.share.known_hosts)
    return Quiet(workspace, run.plan, print)


def _no_space(_path, _line):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def pytest_configure():
    if told("full"):
        files._append = _no_space
