"""``local NAME`` follows the files of its library until Ctrl-C, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.e2e.world import World, wait_until

RECIPE = "file '/etc/probe' do\n  content 'one'\nend\n"
SPECS = 'def test_the_file_is_there(host):\n    assert host.file("/etc/probe").content_string == "one"\n'


def test_a_saved_file_is_converged_and_verified_again(make_world, tmp_path: Path) -> None:
    world: World = make_world("trial", 32)
    library = world.library("probe", 31, RECIPE, SPECS)
    log = tmp_path / "output"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "harness", "local", "probe"],
            cwd=world.root,
            env=world.environment,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(lambda: log.read_text().count("watching") == 1, 240, "the first verification")
        (library / "recipes/default.rb").write_text(RECIPE.replace("one", "two"))
        wait_until(lambda: log.read_text().count("watching") == 2, 60, "the second verification")
        assert "test_the_file_is_there" in log.read_text()
        (library / "specs/test_probe.py").write_text(SPECS.replace('"one"', '"two"'))
        wait_until(lambda: log.read_text().count("watching") == 3, 60, "the third verification")
        os.killpg(process.pid, signal.SIGINT)
        code = process.wait(60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    shown = log.read_text()
    assert code == 130, shown
    assert "Traceback" not in shown
    assert "1 failed" in shown
    assert list((world.root / "local/share").glob("trial-*")) == []
