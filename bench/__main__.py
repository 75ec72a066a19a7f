"""``./run bench [-- NAME …]``: take the measurements, show them, keep them in ``bench/results/``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from bench import answers, creates, deploys, forge, merging, node, pages, planning, plot, ready, table, verifying
from bench.measure import Figure
from tests.e2e.plane_world import PlaneWorld
from tests.e2e.world import World

RESULTS = Path(__file__).parent / "results"


def _with_world(
    name: str, third: int, libs: tuple[str, ...], work: Callable[[World], Iterator[Figure]], kind: type[World] = World
) -> list[Figure]:
    """Figures from a node of the benchmark's own, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        world = kind(Path(directory), f"bench-{name}", third, libs)
        try:
            return list(work(world))
        finally:
            world.close()


def _in_directory(work: Callable[[Path], Iterator[Figure]]) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        return list(work(Path(directory)))


def _ready(world: World) -> Iterator[Figure]:
    world.succeed("local", "--no-deploy")
    yield from ready.measure(world)


def _creates(world: World) -> Iterator[Figure]:
    world.succeed("local", "--no-deploy")
    yield from creates.measure(world)


def _verify(world: World) -> Iterator[Figure]:
    yield from verifying.measure(world, world.root.parent)


MEASUREMENTS: dict[str, Callable[[], list[Figure]]] = {
    "plan": lambda: _in_directory(planning.measure),
    "node": lambda: _with_world("node", 44, (), node.measure),
    "answers": lambda: _in_directory(answers.measure),
    "deploy": lambda: _with_world("three", 40, ("broker", "proxy", "apache"), deploys.three, PlaneWorld),
    "ready": lambda: _with_world("ready", 41, (), _ready),
    "creates": lambda: _with_world("many", 74, (), _creates),
    "parallel": lambda: _with_world("parallel", 42, (), deploys.side_by_side),
    "pages": lambda: _in_directory(pages.measure),
    "forge": lambda: _in_directory(forge.measure),
    "merge": lambda: _in_directory(merging.measure),
    "verify": lambda: _with_world("verify", 43, (), _verify),
}


def main() -> int:
    """Exit code 0: measured; whether a limit was missed stands in the table and the JSON, not in the code."""
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"default: all of {', '.join(MEASUREMENTS)}")
    options = parser.parse_args()
    unknown = set(options.names) - set(MEASUREMENTS)
    if unknown:
        parser.error(f"no measurement is called {', '.join(sorted(unknown))}")
    figures: list[Figure] = []
    for name in options.names or MEASUREMENTS:
        print(f"measuring: {name}", file=sys.stderr, flush=True)
        for figure in MEASUREMENTS[name]():
            print(f"  {figure.name:48} {figure.value:10.3f} {figure.unit:3} {figure.verdict}", flush=True)
            figures.append(figure)
    keep(figures, "all" if not options.names else "-".join(options.names))
    return 0


def keep(figures: list[Figure], name: str) -> None:
    """Write ``results/<name>.json`` and ``results/<name>.svg``."""
    RESULTS.mkdir(exist_ok=True)
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "kernel": platform.release()}
    taken = datetime.now(UTC).isoformat(timespec="seconds")
    rows = [{**asdict(figure), "reached": figure.reached} for figure in figures]
    document = {"taken": taken, "machine": machine, "figures": rows}
    (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    plot.draw(figures, RESULTS / f"{name}.svg")
    table.write()
    print(f"written: bench/results/{name}.json and .svg")


if __name__ == "__main__":
    sys.exit(main())
