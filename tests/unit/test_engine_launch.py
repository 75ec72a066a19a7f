"""How a daemon is known again, and what a start refuses, without Docker."""

from __future__ import annotations

import json
import os
import socket
import ssl
from dataclasses import asdict, replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from harness.embedded import launch
from harness.embedded.launch import Launch
from harness.embedded.node import certificates
from harness.embedded.node.docker import meter
from harness.kit.errors import HarnessError, UnreachableError, UsageError

MYSELF = Launch("gitops", 8006, "127.0.0.0/24", os.getpid(), meter.start_ticks(os.getpid()) or 0)


def remember(state: Path, launched: Launch) -> None:
    (state / "launch.json").write_text(json.dumps(asdict(launched)))


def test_a_reused_pid_is_not_taken_for_the_node():
    assert MYSELF.alive
    assert not replace(MYSELF, ticks=MYSELF.ticks + 1).alive
    assert not Launch("gitops", 8006, "127.0.0.0/24").alive


def test_a_node_that_never_was_is_not_found(tmp_path):
    assert launch.find(tmp_path) is None
    assert launch.guests(tmp_path) == []
    launch.destroy(tmp_path / "missing")
    assert not (tmp_path / "missing").exists()


def test_another_port_or_program_makes_it_another_node():
    wanted = Launch("gitops", 8006, "10.143.0.0/24", code="new")
    assert launch.same(replace(wanted, pid=1, ticks=2), wanted)
    assert not launch.same(replace(wanted, pid=1, ticks=2, code="old"), wanted)
    assert not launch.same(replace(wanted, pid=1, ticks=2, port=8106), wanted)


def test_a_node_is_found_once_it_says_ready_and_answers(tmp_path):
    certificates.ensure(tmp_path / "certificate.pem", tmp_path / "key.pem", "pve", ["127.0.0.1"])
    (tmp_path / "password").write_text("secret-word\n")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        remember(tmp_path, replace(MYSELF, port=port))
        assert launch.find(tmp_path) is None
        (tmp_path / "node.json").write_text(json.dumps({"pid": os.getpid() + 1}))
        assert launch.find(tmp_path) is None
        (tmp_path / "node.json").write_text(json.dumps({"pid": os.getpid()}))
        found = launch.find(tmp_path)
    assert found is not None
    assert (found.host, found.port, found.user) == ("127.0.0.1", port, "root@pam")
    assert found.network == IPv4Network("127.0.0.0/24")
    assert found.password.reveal() == "secret-word"
    assert "secret-word" not in repr(found)
    assert launch.find(tmp_path) is None, "a node that does not answer any more is not found"


def test_the_fingerprint_is_of_the_certificate_as_it_is_sent(tmp_path):
    file = tmp_path / "certificate.pem"
    expected = certificates.ensure(file, tmp_path / "key.pem", "pve", ["127.0.0.1"])
    found = launch.fingerprint(file.read_text())
    assert found == expected
    assert len(found) == 32 * 3 - 1
    assert ssl.PEM_cert_to_DER_cert(file.read_text())


def test_a_strangers_port_is_refused_naming_the_setting():
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        with pytest.raises(UnreachableError) as error:
            launch.require_port(port)
    assert str(port) in str(error.value)
    assert "embedded.port" in str(error.value.hint)
    launch.require_port(port)


def test_a_damaged_record_says_what_to_remove(tmp_path):
    (tmp_path / "launch.json").write_text("{")
    with pytest.raises(HarnessError) as error:
        launch.find(tmp_path)
    assert str(tmp_path) in str(error.value.hint)


def test_a_renamed_node_with_containers_is_refused(tmp_path):
    old = Launch("old", 8006, "10.143.0.0/24")
    with pytest.raises(UsageError, match="was called old"):
        launch.make_way(tmp_path, old, replace(old, name="new"), has_guests=True)
    assert launch.make_way(tmp_path, old, replace(old, name="new"), has_guests=False) is None
