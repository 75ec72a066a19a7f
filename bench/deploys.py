"""Whole deploys: the three libraries cold, warm and with nothing to do; three small ones side by side and in turn."""

from __future__ import annotations

from collections.abc import Iterator

from bench.measure import Figure, median, seconds
from harness.embedded.engine import client as engine
from harness.embedded.engine import image
from tests.e2e.world import World

RECIPE = "package 'tree'\n\nfile '/etc/bench' do\n  content \"one\\n\"\nend\n"
SPECS = "def test_it_is_there(host):\n    assert host.file('/etc/bench').exists\n"


def three(world: World) -> Iterator[Figure]:
    """broker, proxy and apache: a first deploy with and without the base image, then one with nothing to do."""
    client = engine.connect()
    image.remove_unused(client)
    made = not image.exists(client, image.reference("13"))
    cold = seconds(lambda: world.succeed("local"))
    note = "base image made as well" if made else "the base image was in use by another node and stayed"
    yield Figure("local, cold", cold, "s", limit=300.0, note=note)
    world.succeed("down", "--yes")
    yield Figure("deploy of three, warm", seconds(lambda: world.succeed("deploy")), "s", note="the base image is there")
    yield Figure("deploy with nothing to do", median(lambda: world.succeed("deploy"), 5), "s", limit=2.0)
    yield Figure("local with nothing to do", median(lambda: world.succeed("local"), 3), "s", limit=3.0)


def side_by_side(world: World) -> Iterator[Figure]:
    """Three containers that need nothing of each other: three workers against one."""
    for number in (41, 42, 43):
        world.library(f"small{number}", number, RECIPE, SPECS)
    in_turn = seconds(lambda: world.succeed("deploy", "-n", "1"))
    world.succeed("down", "--yes")
    parallel = seconds(lambda: world.succeed("deploy", "-n", "3"))
    yield Figure("three small containers in turn", in_turn, "s")
    yield Figure("three small containers in parallel", parallel, "s")
    yield Figure("parallel against one after another", parallel / in_turn, "×", limit=0.7)
