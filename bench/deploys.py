"""Whole deploys: everything cold, warm and with nothing to do; three small containers side by side and in turn."""

from __future__ import annotations

from collections.abc import Iterator

from docker.client import DockerClient

from bench.measure import Figure, median, seconds
from harness.controlplane import image as plane_image
from harness.controlplane.program import Program
from harness.embedded.engine import client as engine
from harness.embedded.engine import image
from tests.e2e.world import World

RECIPE = "package 'tree'\n\nfile '/etc/bench' do\n  content \"one\\n\"\nend\n"
SPECS = "def test_it_is_there(host):\n    assert host.file('/etc/bench').exists\n"


def three(world: World) -> Iterator[Figure]:
    """broker, proxy, apache and the control plane: everything from nothing, then with nothing to do, then by itself."""
    client = engine.connect()
    image.remove_unused(client)
    made = not image.exists(client, image.reference("13"))
    cold = seconds(lambda: world.succeed("local"))
    note = "base image made as well" if made else "the base image was in use by another node and stayed"
    yield Figure("local, cold", cold, "s", limit=480.0, note=note)
    yield Figure("local with nothing to do", median(lambda: world.succeed("local"), 3), "s", limit=5.0)
    yield Figure("deploy with nothing to do", median(lambda: world.succeed("deploy"), 5), "s", limit=2.0)
    world.succeed("down", "--yes")
    yield Figure("deploy of three, warm", seconds(lambda: world.succeed("deploy")), "s", note="the base image is there")
    world.succeed("down", "--yes", "--all")
    yield from _image(client, world)


def _image(client: DockerClient, world: World) -> Iterator[Figure]:
    program, kept = Program.of(world.root), world.root.parent / "kept"
    image.ensure_base(client, "13", lambda _: None)
    made: list[str] = []
    cold = seconds(lambda: plane_image.ensure(client, program, kept, made.append))
    again = seconds(lambda: plane_image.ensure(client, program, kept, made.append))
    if len(made) > 1:  # what another control plane on this machine wants stays, and then nothing is made
        yield Figure("image of the control plane, cold", cold, "s", limit=90.0, note="the base image is there")
    yield Figure("image of the control plane, there", again, "s", limit=5.0)
    plane_image.remove(client, world.name)


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
