"""Key pairs and known_hosts of ours."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.kit.process import CommandError
from harness.remote import keys


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_missing_pair_is_made_for_our_eyes_only(tmp_path: Path) -> None:
    pair = keys.ensure_key(tmp_path / "keys", 111)
    assert pair.private == tmp_path / "keys" / "111"
    assert pair.public.startswith("ssh-ed25519 ")
    assert (mode(pair.private), mode(tmp_path / "keys")) == (0o600, 0o700)
    assert sorted(path.name for path in pair.private.parent.iterdir()) == [".lock", "111", "111.pub"]


def test_an_existing_pair_is_kept(tmp_path: Path) -> None:
    first = keys.ensure_key(tmp_path, 111)
    before = first.private.read_bytes()
    assert keys.ensure_key(tmp_path, 111) == first
    assert first.private.read_bytes() == before


def test_a_given_private_key_gets_its_public_half(tmp_path: Path) -> None:
    given = tmp_path / "112"
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", given], check=True)
    public = (tmp_path / "112.pub").read_text().split()[:2]
    (tmp_path / "112.pub").unlink()
    assert keys.ensure_key(tmp_path, 112).public.split()[:2] == public


def test_a_file_that_is_no_key_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "113").write_text("not a key\n")
    with pytest.raises(CommandError, match="ssh-keygen"):
        keys.ensure_key(tmp_path, 113)


def test_everyone_who_asks_at_once_gets_the_same_pair(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        pairs = set(pool.map(lambda _: keys.ensure_key(tmp_path, 114), range(4)))
    assert len(pairs) == 1


def test_forgetting_an_address_keeps_its_neighbours(tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text("10.0.0.1 ssh-ed25519 AAA\n10.0.0.11 ssh-ed25519 BBB\n10.0.0.1 ssh-rsa CCC\n")
    keys.forget_host(known, "10.0.0.1")
    assert known.read_text() == "10.0.0.11 ssh-ed25519 BBB\n"
    assert not keys.is_known(known, "10.0.0.1")
    assert keys.is_known(known, "10.0.0.11")


def test_forgetting_where_nothing_is_known_is_no_error(tmp_path: Path) -> None:
    keys.forget_host(tmp_path / "new" / "known_hosts", "10.0.0.1")
    assert not keys.is_known(tmp_path / "new" / "known_hosts", "10.0.0.1")


def test_another_port_is_another_host(tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text("10.0.0.1 ssh-ed25519 AAA\n[10.0.0.1]:2222 ssh-ed25519 BBB\n")
    keys.forget_host(known, "10.0.0.1", 2222)
    assert known.read_text() == "10.0.0.1 ssh-ed25519 AAA\n"


def test_pinning_adds_what_is_new_and_keeps_the_rest(tmp_path: Path) -> None:
    known, learned = tmp_path / "known_hosts", tmp_path / "learned"
    known.write_text("10.0.0.1 ssh-ed25519 AAA\n")
    learned.write_text("10.0.0.1 ssh-ed25519 AAA\n10.0.0.2 ssh-ed25519 BBB\n")
    keys.pin(known, learned)
    assert known.read_text() == "10.0.0.1 ssh-ed25519 AAA\n10.0.0.2 ssh-ed25519 BBB\n"
    assert mode(known) == 0o600


def test_hosts_pinned_at_once_are_all_kept(tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"

    def pin(number: int) -> None:
        learned = tmp_path / f"learned-{number}"
        learned.write_text(f"10.0.0.{number} ssh-ed25519 AAA\n")
        keys.pin(known, learned)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(pin, range(16)))
    assert len(known.read_text().splitlines()) == 16
