"""Files that survive a crash."""

from __future__ import annotations

import errno
import json
import multiprocessing
import stat
from pathlib import Path

import pytest

from harness.kit.errors import NoSpaceError
from harness.kit.files import append_durably, exclusive, private_directory, write_atomic


def test_a_failed_atomic_write_leaves_the_old_content_and_no_temporary_file(tmp_path: Path) -> None:
    target = tmp_path / "state.json"
    write_atomic(target, "old")
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        write_atomic(tmp_path / "taken", "new")
    assert target.read_text() == "old"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["state.json", "taken"]


def test_a_secret_file_is_private_from_its_first_moment(tmp_path: Path) -> None:
    write_atomic(tmp_path / "password", "x", mode=0o600)
    assert stat.S_IMODE((tmp_path / "password").stat().st_mode) == 0o600


def test_a_private_directory_is_closed_again_when_somebody_opened_it(tmp_path: Path) -> None:
    directory = private_directory(tmp_path / "share" / "keys")
    directory.chmod(0o755)
    private_directory(directory)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_torn_last_line_is_closed_before_the_next_one(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    append_durably(journal, '{"n": 1}')
    with journal.open("a") as stream:
        stream.write('{"n": ')
    append_durably(journal, '{"n": 2}')
    assert journal.read_text().splitlines() == ['{"n": 1}', '{"n": ', '{"n": 2}']


def _append_many(path: Path, writer: int) -> None:
    for number in range(50):
        append_durably(path, json.dumps({"writer": writer, "number": number, "fill": "x" * 200}))


def test_lines_of_several_processes_never_mix(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_append_many, args=(journal, writer)) for writer in range(3)]
    for process in writers:
        process.start()
    for process in writers:
        process.join()
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert len(lines) == 150
    for writer in range(3):
        assert [line["number"] for line in lines if line["writer"] == writer] == list(range(50))


def test_an_exclusive_lock_is_free_again_after_its_block(tmp_path: Path) -> None:
    with exclusive(tmp_path / "lock"):
        pass
    with exclusive(tmp_path / "lock"):
        assert (tmp_path / "lock").exists()


def test_a_full_disk_is_named_with_the_file_and_what_to_do() -> None:
    with pytest.raises(NoSpaceError, match="/dev/full: No space left on device") as caught:
        append_durably(Path("/dev/full"), "a line")
    assert caught.value.errno == errno.ENOSPC
    assert "make room" in (caught.value.hint or "")
