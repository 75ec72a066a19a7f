"""The control plane's forge, runner and jobs, in front of a node whose containers are only remembered: how long seeding
takes, and how soon a merge is heard of by Proxmox VE.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Figure, median, seconds
from harness.forge import actions
from harness.lifecycle.seeding import names
from tests.e2e.pipeline_world import ACCESS_LOG, Pipelines, around, node, runner
from tests.e2e.world import World, wait_until

LIBRARIES = ("broker", "proxy", "apache")
REPOSITORIES = (names.CONFIG, *map(names.part, LIBRARIES), *map(names.stage, LIBRARIES))
ROUNDS = 5
_THIRD = 70
_PATIENCE = 60.0


def measure(directory: Path) -> Iterator[Figure]:
    """Seeding first and again; then every release pull request accepted by itself, one after the other."""
    world = World(directory, "bench-merge", _THIRD, LIBRARIES)
    with node(directory) as made, around(directory, world, made) as found:
        first = seconds(found.seed)
        note = f"{len(found.seed().repositories)} repositories"
        yield Figure("seeding a new forge", first, "s", limit=5.0, note=note)
        yield Figure("seeding again, unchanged", median(found.seed, ROUNDS), "s", limit=1.0)
        with runner(found):
            yield from _merges(found)


def _merges(found: Pipelines) -> Iterator[Figure]:
    whole = [_heard(found, names.CONFIG, number) for number in _releases(found)]
    single = [_heard(found, names.part(name), 1) for name in LIBRARIES]
    each = ", ".join(f"{name} {took:.2f}" for name, took in zip(LIBRARIES, single, strict=True))
    note = f"slowest; main/config, median of {len(whole)}, {statistics.median(whole):.2f}; {each}"
    yield Figure("merge to the first call to the node", max(*whole, *single), "s", limit=2.0, note=note)


def _releases(found: Pipelines) -> Iterator[int]:
    """Numbers of release pull requests of the monorepo; each after the first brings a change."""
    yield 1
    env = found.world.root / "libs" / LIBRARIES[0] / "config.env"
    given = env.read_text()
    for round_number in range(1, ROUNDS):
        env.write_text(f"{given}# round {round_number}\n")
        release = found.seed().release
        assert release is not None
        yield release.number


def _heard(found: Pipelines, slug: str, number: int) -> float:
    """Seconds from the forge's answer to the merge until the node is first asked for something. The deploy is ended
    there: behind its containers there is nothing that it could log in to.
    """
    _quiet(found)
    found.merge(slug, number)
    merged = time.time()
    heard = wait_until(lambda: _first_call(found.path, merged), _PATIENCE, f"a call to the node after {slug}")
    for one in REPOSITORIES:
        for run in actions.runs(found.forge, one):
            if not run.done:
                found.admin.post(f"repos/{one}/actions/runs/{run.id}/cancel")
    return float(heard) - merged


def _quiet(found: Pipelines) -> None:
    """Wait until no job is left: what is measured has the machine for itself."""

    def idle() -> bool:
        return all(run.done for slug in REPOSITORIES for run in actions.runs(found.forge, slug))

    wait_until(idle, _PATIENCE, "all jobs have ended")


def _first_call(directory: Path, after: float) -> float | None:
    """When the node began to answer its first request after a moment (seconds since 1970)."""
    lines = (directory / ACCESS_LOG).read_text().splitlines(keepends=True)
    entries = [json.loads(line) for line in lines if line.endswith("\n")]
    began = [entry["time"] - entry["ms"] / 1000 for entry in entries]
    return min((moment for moment in began if moment >= after), default=None)
