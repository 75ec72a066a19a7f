"""Which signal ends an init, by what can be seen of its process."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.embedded.node.docker import inits


def process(proc: Path, name: str, program: str) -> int:
    place = proc / "42"
    place.mkdir()
    (place / "comm").write_text(f"{name}\n")
    (proc / program).touch()
    (place / "exe").symlink_to(proc / program)
    return 42


@pytest.mark.parametrize(
    ("name", "program", "signal", "starting"),
    [
        ("systemd", "systemd", "SIGRTMIN+3", False),
        ("init", "systemd", "SIGRTMIN+3", False),
        ("init", "busybox", "SIGPWR", False),
        ("sh", "dash", "SIGRTMIN+3", True),
        ("runc:[2:INIT]", "runc", "SIGRTMIN+3", True),
    ],
)
def test_an_init_is_asked_in_its_own_way(tmp_path: Path, name: str, program: str, signal: str, starting: bool) -> None:
    pid = process(tmp_path, name, program)
    assert inits.halt_signal(pid, tmp_path) == signal
    assert inits.is_starting(pid, tmp_path) == starting


def test_systemds_signal_is_sent_where_nothing_can_be_seen(tmp_path: Path) -> None:
    assert inits.halt_signal(None, tmp_path) == inits.SYSTEMD_HALT
    assert not inits.is_starting(43, tmp_path)
