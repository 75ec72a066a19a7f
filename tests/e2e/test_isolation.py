"""``tests``, ``bench`` and ``local NAME`` never reach the host in local/config.json, nor the user's containers."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.e2e.world import World

RECIPE = "file '/etc/probe' do\n  content 'one'\nend\n"
SPECS = 'def test_the_file_is_there(host):\n    assert host.file("/etc/probe").exists\n'


class Listener:
    """A host in local/config.json that notes whoever connects."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.socket.getsockname()[1])
        self.callers: list[object] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, caller = self.socket.accept()
            except OSError:
                return
            self.callers.append(caller)
            connection.close()


@pytest.fixture
def host() -> Iterator[Listener]:
    """The configured host."""
    listener = Listener()
    yield listener
    listener.socket.close()


@pytest.fixture(scope="module")
def world(make_world) -> World:
    """One small library."""
    world = make_world("isolation", 30)
    world.library("probe", 31, RECIPE, SPECS)
    return world


def test_a_throw_away_container_never_reaches_the_configured_host(world: World, host: Listener) -> None:
    proxmox = {"host": "127.0.0.1", "port": host.port, "password": "not-to-be-sent"}
    world.settings({"proxmox": proxmox, "embedded": {"name": world.name, "port": world.port}})
    output = world.succeed("local", "probe", "--once")
    assert "probe" in output
    assert host.callers == []
    assert world.containers() == []
    assert list((world.root / "local/share").glob("trial-*")) == []


def test_the_configured_host_would_have_been_noticed(world: World, host: Listener) -> None:
    proxmox = {"host": "127.0.0.1", "port": host.port, "password": "not-to-be-sent"}
    world.settings({"proxmox": proxmox})
    assert world.run("plan")[0] == 3
    assert host.callers != []


def test_worlds_of_tests_name_no_host_and_a_node_of_their_own(make_world) -> None:
    made = make_world("other", 31)
    settings = json.loads((made.root / "local/config.json").read_text())
    assert "proxmox" not in settings
    assert settings["embedded"]["name"] != "gitops"
    assert settings["embedded"]["port"] != 8006
    assert not any(name.startswith("GITOPS_") and name != "GITOPS_ROOT" for name in made.environment)
