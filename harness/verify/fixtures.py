"""The pytest plugin of specs: ``host`` (testinfra's, over our connection), ``container``, and a guard.

The suite's plugin loads this module and says where the containers are:
``config.stash[fixtures.WORKSPACE] = lambda: workspace``. Without that, specs are skipped: they are about a container,
and testinfra's own ``host`` would be the machine that pytest runs on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, cast

import pytest
import testinfra
from testinfra.host import Host

from harness.inventory.model import Container, Inventory
from harness.kit.secret import Secret
from harness.remote.pool import Pool
from harness.verify import agents, guard
from harness.verify.agents import Agents
from harness.verify.container import SpecContainer


class Keeps(Protocol):
    """Where keys and host keys of the target lie (``harness.config.share.Share``)."""

    @property
    def keys(self) -> Path: ...

    @property
    def known_hosts(self) -> Path: ...


class Workspace(Protocol):
    """What the fixtures need of a run. With an attribute ``connections`` (a ``Pool``) they share its connections."""

    @property
    def inventory(self) -> Inventory: ...

    @property
    def share(self) -> Keeps: ...

    @property
    def login(self) -> str: ...

    @property
    def password(self) -> Secret: ...


WORKSPACE = pytest.StashKey[Callable[[], Workspace]]()
NO_RUN = "specs check a container: run them with ./run verify or ./run deploy"


@pytest.fixture(scope="session")
def gitops_workspace(request: pytest.FixtureRequest) -> Workspace:
    """The workspace of the run; skips when pytest runs on its own."""
    opened = request.config.stash.get(WORKSPACE, None)
    if opened is None:
        pytest.skip(NO_RUN)
    return opened()


@pytest.fixture(scope="session")
def gitops_agents(gitops_workspace: Workspace) -> Iterator[Agents]:
    """The agents of this process, one a container, closed at the end of the session."""
    shared = cast("Pool | None", getattr(gitops_workspace, "connections", None))
    share = gitops_workspace.share
    pool = shared or Pool(share.keys, share.known_hosts)
    held = Agents(pool)
    yield held
    held.close()
    if shared is None:
        pool.close()


@pytest.fixture(scope="module")
def container(request: pytest.FixtureRequest, gitops_workspace: Workspace) -> SpecContainer:
    """The container that this spec file belongs to, resolved, with login, password and its neighbours."""
    inventory = gitops_workspace.inventory
    return SpecContainer(_owner(request.path, inventory), inventory, gitops_workspace.login, gitops_workspace.password)


@pytest.fixture(scope="module")
def host(request: pytest.FixtureRequest, container: SpecContainer) -> Host:
    """testinfra's host: commands run as root in the container that this spec file belongs to.

    With ``--hosts`` it is testinfra's own, over a connection of its own: for comparison.
    """
    if request.config.getoption("hosts", None):
        return _plain_host(request.config)
    held = cast("Agents", request.getfixturevalue("gitops_agents"))
    return agents.host_of(held, container.resolved)


def _owner(spec: Path, inventory: Inventory) -> Container:
    """The container whose directory holds ``spec``; the innermost where one lies in another's."""
    holding = [each for each in inventory.containers if spec.is_relative_to(each.directory.resolve())]
    if not holding:
        pytest.fail(f"{spec} belongs to no container of the inventory ({', '.join(inventory.names)})", pytrace=False)
    return max(holding, key=lambda each: len(each.directory.resolve().parts))


def _plain_host(config: pytest.Config) -> Host:
    names = ("connection", "ssh_config", "ssh_identity_file", "sudo", "sudo_user")
    return testinfra.get_host(config.getoption("hosts"), **{name: config.getoption(name) for name in names})


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Fail a spec that would check this machine instead of a container."""
    guard.refuse_local(item)
