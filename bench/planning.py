"""Planning for 500 containers: a repository of 500 libraries, compared with 500 containers that stand already."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Figure

COUNT = 500
_PROGRAM = Path(__file__).parent / "planning_child.py"


def measure(directory: Path) -> Iterator[Figure]:
    """Seconds and peak memory of a process that loads, observes and plans."""
    root = directory / "many"
    lay_out(root)
    argv = [sys.executable, str(_PROGRAM), str(root)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    found = json.loads(done.stdout)
    changed = f"{found['unchanged']} unchanged, {found['changed']} changed"
    yield Figure("plan of 500 containers", found["seconds"], "s", limit=2.0, note=changed)
    yield Figure("memory of that plan", found["peak_mib"], "MB", limit=150.0, note="peak resident set of the process")


def lay_out(root: Path) -> None:
    """A repository of ``COUNT`` small libraries in 10.190.0.0/16."""
    root.mkdir()
    (root / "config.env").write_text(env("config", 0))
    for number in range(1, COUNT + 1):
        name = f"unit{number:03d}"
        library = root / "libs" / name
        (library / "recipes").mkdir(parents=True)
        (library / "specs").mkdir()
        (library / "config.env").write_text(env(name, number))
        (library / "recipes" / "default.rb").write_text("package 'curl'\n")
        (library / "specs" / f"test_{name}.py").write_text("def test_curl(host):\n    assert host.exists('curl')\n")


def env(name: str, number: int) -> str:
    """The config.env of container ``number``."""
    address = f"10.190.{number // 200}.{number % 200 + 10}/16"
    return (
        f"IP={address}\nID={1000 + number}\nHOSTNAME={name}\nCORES=1\nMEMORY=512\nSWAP=0\nDISK=local-lvm:4\nBOOT=yes\n"
    )
