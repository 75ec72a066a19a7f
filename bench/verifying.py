"""The same spec file run by ``verify`` and by plain pytest with testinfra's own ssh backend."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Figure
from tests.e2e.world import World

COMMANDS = 40
OUTPUT = "BENCH_OUTPUT"
VMID, NUMBER = 151, 51
SPECS = f'''
import os
import time
from pathlib import Path


def test_host_commands(host):
    host.run("true")
    started = time.perf_counter()
    for _ in range({COMMANDS}):
        assert host.run("true").rc == 0
    Path(os.environ["{OUTPUT}"]).write_text(str((time.perf_counter() - started) / {COMMANDS}))


def test_what_is_there(host):
    assert host.file("/etc/bench").is_file
    assert host.user("config").exists
    assert host.package("sudo").is_installed
    assert host.service("ssh").is_enabled
'''


def measure(world: World, directory: Path) -> Iterator[Figure]:
    """Milliseconds a host command in each, and how many times faster ours is."""
    library = world.library("probe", NUMBER, "file '/etc/bench' do\n  content 'one'\nend\n", SPECS)
    output = directory / "command-seconds"
    os.environ[OUTPUT] = str(output)
    world.succeed("deploy", "probe")
    started = time.perf_counter()
    world.succeed("verify", "probe")
    whole = time.perf_counter() - started
    ours = float(output.read_text())
    plain_whole = _plain(world, library, directory)
    plain = float(output.read_text())
    yield Figure("a host command in verify", ours * 1000, "ms", limit=20.0)
    yield Figure("a host command in plain testinfra over ssh", plain * 1000, "ms")
    yield Figure("host commands, times faster", plain / ours, "×", limit=10.0, at_least=True)
    yield Figure("./run verify of that spec file", whole, "s")
    yield Figure("plain pytest of that spec file", plain_whole, "s")


def _plain(world: World, library: Path, directory: Path) -> float:
    """Seconds of pytest with ``--hosts=ssh://…``, away from this repository's conftest.py."""
    share = world.root / "local/share/embedded"
    config = directory / "ssh_config"
    config.write_text(
        f"Host probe\n  HostName {world.prefix}.{NUMBER}\n  User config\n  IdentityFile {share}/keys/{VMID}\n"
        f"  UserKnownHostsFile {share}/known_hosts\n"
    )
    spec = directory / "test_plain.py"
    spec.write_text((library / "specs/test_probe.py").read_text())
    argv = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, f"--rootdir={directory}", "-p", "no:cacheprovider"]
    started = time.perf_counter()
    subprocess.run(
        [*argv, "--hosts=ssh://probe", f"--ssh-config={config}", str(spec)],
        cwd=directory,
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - started
