"""What goes wrong ends with one clear error, hurts nobody else, and the next run mends it."""

from __future__ import annotations

import os
import signal

import pytest

from tests.e2e.world import World, wait_until

RECIPE = """
file '/etc/probe' do
  content "one\\n"
end
"""
SLOW = (
    """
execute 'wait' do
  command 'sleep 30'
  not_if 'test -e /etc/probe'
end
"""
    + RECIPE
)
SPECS = """
def test_the_file_is_there(host):
    assert host.file("/etc/probe").content_string == "one\\n"
"""
FIRST_RECIPE = "libs/first/recipes/default.rb"
FIRST, SECOND, FOREIGN = 121, 122, 123


@pytest.fixture(scope="module")
def world(make_world) -> World:
    """A node with one small library, deployed as far as its converge and killed there."""
    world = make_world("faults", 20)
    world.library("first", 21, SLOW, SPECS)
    return world


def interrupted_in(world: World, item: str, number: signal.Signals) -> tuple[int, str]:
    """Start a deploy, send its whole process group a signal while ``item`` runs; its exit code and output."""
    earlier = world.newest_run()
    process = world.start("deploy")

    def reached() -> bool:
        assert process.poll() is None, process.stdout.read() if process.stdout else ""
        started = any(event["event"] == "start" and event["item"] == item for event in world.events())
        return started and world.newest_run() != earlier

    try:
        wait_until(reached, 300, f"the start of {item}")
        os.killpg(process.pid, number)
        output, _ = process.communicate(timeout=90)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, output


def test_a_deploy_killed_while_it_converges_is_picked_up(world: World) -> None:
    interrupted_in(world, "converge", signal.SIGKILL)
    assert world.actions()["first"] not in ("unchanged", "create")
    created = world.container(FIRST).id
    (world.root / FIRST_RECIPE).write_text(RECIPE)
    world.succeed("deploy")
    assert world.container(FIRST).id == created
    assert world.actions() == {"first": "unchanged"}


def test_a_broken_recipe_fails_with_its_line_and_the_others_finish(world: World) -> None:
    world.library("second", 22, "file '/etc/probe' do\n  content 'one'\n  nonsense!!\n", SPECS)
    (world.root / FIRST_RECIPE).write_text(RECIPE + "# a remark\n")
    code, output = world.run("deploy")
    assert code == 1
    assert "default.rb" in output
    assert world.actions()["first"] == "unchanged"
    (world.root / "libs/second/recipes/default.rb").write_text(RECIPE)
    world.succeed("deploy")
    assert set(world.actions().values()) == {"unchanged"}


def test_a_recipe_that_is_never_done_is_not_idempotent(world: World) -> None:
    recipe = world.root / "libs/second/recipes/default.rb"
    recipe.write_text(RECIPE + "\nexecute 'again' do\n  command 'true'\nend\n")
    code, output = world.run("deploy", "second")
    assert code == 1
    assert "again" in output
    recipe.write_text(RECIPE)
    world.succeed("deploy")


def test_a_spec_that_raises_fails_that_spec_alone(world: World) -> None:
    spec = world.root / "libs/second/specs/test_second.py"
    spec.write_text(SPECS + "\n\ndef test_raises(host):\n    raise RuntimeError('out of order')\n")
    code, output = world.run("verify", "second")
    assert code == 1
    assert "out of order" in output
    assert "Traceback" not in output
    spec.write_text(SPECS)
    world.succeed("verify", "second")


def test_a_stopped_container_is_started_again(world: World) -> None:
    world.container(SECOND).stop(timeout=20)
    assert world.actions()["second"] != "unchanged"
    world.succeed("deploy", "second")
    assert world.container(SECOND).status == "running"
    assert world.actions()["second"] == "unchanged"


def test_ctrl_c_ends_with_130_and_the_next_run_goes_on(world: World) -> None:
    (world.root / FIRST_RECIPE).write_text(SLOW)
    world.shell(FIRST, "rm /etc/probe")
    code, output = interrupted_in(world, "converge", signal.SIGINT)
    assert code == 130, output
    assert "Traceback" not in output
    (world.root / FIRST_RECIPE).write_text(RECIPE)
    world.succeed("deploy")


def test_a_container_that_is_not_ours_is_refused_and_left_alone(world: World) -> None:
    from tests.e2e.foreign import create_foreign

    create_foreign(world, FOREIGN, "somebody-elses")
    before = world.container(FOREIGN).id
    world.library("third", 23, RECIPE, SPECS)
    code, output = world.run("plan")
    assert code == 1
    assert "somebody-elses" in output
    assert world.run("deploy")[0] == 1
    assert world.run("deploy", "third", "--allow-replace", "third")[0] == 1
    assert world.container(FOREIGN).id == before


def test_down_deletes_everything(world: World) -> None:
    world.succeed("down", "--yes")
    assert world.remains() == []
