"""Planning for 500 containers: a repository of 500 libraries, compared with 500 containers that stand already.

The node is an embedded one without containers behind it, reached over https like any Proxmox VE host: a list, and one
configuration read for each container.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.measure import Figure
from harness.kit.clock import Deadline, wait_until
from harness.kit.files import write_atomic
from harness.lifecycle import parameters, plan_builder, stamp
from harness.lifecycle.workspace import Workspace
from harness.pve import tasks, templates
from tests.e2e.world import free_port

COUNT = 500
ROUNDS = 3
SOURCE = Path(__file__).parents[1]
_TASK_SECONDS = 120.0
_KIB_PER_MIB = 1024


def measure(directory: Path) -> Iterator[Figure]:
    """Seconds and peak memory of ``./run plan``'s process, whole."""
    root = directory / "many"
    lay_out(root)
    with memory_node(directory / "node", root) as environ:
        populate(root, environ)
        runs = [plan(root, environ) for _ in range(ROUNDS)]
    peak = max(memory for _, memory in runs) / _KIB_PER_MIB
    took = statistics.median(seconds for seconds, _ in runs)
    yield Figure(f"plan of {COUNT} containers", took, "s", limit=2.0, note="the whole process, over https")
    yield Figure("memory of that plan", peak, "MB", limit=150.0, note="peak resident set of the process")


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
    address = f"10.190.{number // 200}.{number % 200 + 10}"
    return (
        f"IP={address}\nID={1000 + number}\nHOSTNAME={name}\nCORES=1\nMEMORY=512\nSWAP=0\nDISK=local-lvm:4\nBOOT=yes\n"
    )


@contextmanager
def memory_node(state: Path, root: Path) -> Iterator[dict[str, str]]:
    """A node with nothing behind its containers, named as the host in ``root``'s settings; the environment to use."""
    port = free_port()
    argv = [sys.executable, "-m", "harness.embedded.node", "--state", str(state), "--port", str(port)]
    argv += [
        "--runtime",
        "memory",
        "--bridge",
        "vmbr0=10.190.0.1/16",
        "--listen",
        "127.0.0.1",
        "--log-level",
        "WARNING",
    ]
    node = subprocess.Popen(argv, cwd=SOURCE)
    try:
        ready = wait_until(lambda: read_ready(state / "node.json"), Deadline(30), "the node")
        host = {
            "host": "127.0.0.1",
            "port": port,
            "fingerprint": ready["fingerprint"],
            "mask": 16,
            "gateway": "10.190.0.1",
        }
        settings = {"proxmox": {**host, "password": (state / "password").read_text().strip()}}
        (root / "local").mkdir(exist_ok=True)
        write_atomic(root / "local/config.json", json.dumps(settings), mode=0o600)
        yield {**os.environ, "GITOPS_ROOT": str(root), "GITOPS_SHARE": str(root / "local/share")}
    finally:
        node.terminate()
        node.wait(20)


def read_ready(path: Path) -> dict[str, Any] | None:
    """What the node says of itself once it is ready."""
    return json.loads(path.read_text()) if path.exists() else None


def populate(root: Path, environ: Mapping[str, str]) -> None:
    """Make every container of the repository, stamped as verified and running."""
    workspace = Workspace.open(root, environ, start_node=True, say=_silent)
    pve, revisions = workspace.pve, plan_builder.revisions(workspace)
    deadline = Deadline(_TASK_SECONDS)
    template = templates.ensure(pve, "pve", "local", "debian-13-standard", deadline=deadline, on_log=_silent)
    began = []
    for container in workspace.inventory.deployable:
        revision = revisions[container.name]
        mark = stamp.Stamp(workspace.monorepo, container.name, revision=revision.value, parts=revision.parts)
        wanted = parameters.creation(container, template=template, public_key="", description=stamp.render(mark))
        given = {key: value for key, value in wanted.items() if value != ""}
        began.append(str(pve.post(f"nodes/{container.node}/lxc", **given, start=1)))
    for upid in began:
        tasks.wait_for(pve, upid, Deadline(_TASK_SECONDS), _silent)
    workspace.close()


def plan(root: Path, environ: Mapping[str, str]) -> tuple[float, int]:
    """Wall seconds and peak resident KiB of one ``plan``, which must find nothing to do."""
    argv = [sys.executable, "-m", "harness", "plan", "--json"]
    with (root / "plan.json").open("wb") as out:
        started = time.perf_counter()
        process = subprocess.Popen(argv, cwd=SOURCE, env=dict(environ), stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        took = time.perf_counter() - started
    actions = [entry["action"] for entry in json.loads((root / "plan.json").read_text())["containers"]]
    if os.waitstatus_to_exitcode(status) != 0 or actions.count("unchanged") != COUNT:
        raise RuntimeError(f"the plan found something to do: {sorted(set(actions))}")
    return took, usage.ru_maxrss


def _silent(_line: str) -> None:
    """Setting up is not what is measured, nor shown."""
