"""The forge under test: the embedded one, or a real Gitea given ``FORGE_URL`` and ``FORGE_TOKEN``.

The token is an administrator's, with all scopes. A real forge should be freshly set up and there for the tests alone: a
recorded step lists every organisation, and after a test organisations and accounts that are new are deleted with their
repositories.
Webhooks must be allowed to loopback (``[webhook] ALLOWED_HOST_LIST = loopback``); a scenario that runs a workflow is
played where a runner with the label ``host`` is online.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.embedded.forge import server
from harness.embedded.forge.services import jobs
from tests.contract.forge import real
from tests.contract.forge.mini_runner import MiniRunner
from tests.contract.forge.player import Listener
from tests.contract.forge.target import Target


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    """A fresh embedded forge, or the real one."""
    url = os.environ.get("FORGE_URL")
    if url:
        with real.borrowed(url.rstrip("/"), os.environ["FORGE_TOKEN"]) as found:
            yield found
        return
    with server.serve(tmp_path / "forge", pages=False) as served:
        yield Target(served.url, served.admin, served.password.reveal(), served)


@pytest.fixture
def runner(target: Target) -> Iterator[MiniRunner | None]:
    """A runner with the label ``host``; a real Gitea brings its own."""
    if target.embedded is None:
        yield None
        return
    token = jobs.registration_token(target.embedded.forge)
    with MiniRunner(target.base, token, "r1", ["host", "shell"]) as started:
        yield started


@pytest.fixture(scope="session")
def listener() -> Iterator[Listener]:
    """Where webhooks are sent."""
    found = Listener()
    yield found
    found.close()


@pytest.fixture
def embedded(target: Target) -> server.Served:
    """The embedded forge; what only it promises is not asked of a real Gitea."""
    if target.embedded is None:
        pytest.skip("of the embedded forge only")
    return target.embedded
