"""The questions that all specs ask, put to recorded answers."""

from __future__ import annotations

from typing import Any, cast

import pytest
from testinfra.host import Host

from harness.kit.secret import Secret
from harness.verify import checks
from harness.verify.agent import Agent, Answer
from harness.verify.backend import make_host

SOCKETS = """\
LISTEN 0 4096 127.0.0.1:2019 0.0.0.0:*
LISTEN 0 4096 *:443 *:*
LISTEN 0 128 0.0.0.0:22 0.0.0.0:*
LISTEN 0 128 [::]:1883 [::]:*
LISTEN 0 128 10.9.8.11:9001 0.0.0.0:*
"""


class Recorded:
    def __init__(self, stdout: str, code: int = 0) -> None:
        self.answer = Answer(code, stdout.encode(), b"said why")
        self.asked: list[tuple[str, bytes]] = []

    def ask(self, command: str, *, stdin: bytes = b"", **_: Any) -> Answer:
        self.asked.append((command, stdin))
        return self.answer


def host_that_says(recorded: Recorded) -> Host:
    return make_host("broker", cast("Agent", recorded))


@pytest.mark.parametrize(("port", "expected"), [(443, True), (22, True), (9001, True), (2019, False), (1883, False)])
def test_a_server_listens_when_it_takes_connections_to_the_address(port: int, expected: bool) -> None:
    assert checks.listens(host_that_says(Recorded(SOCKETS)), "10.9.8.11", port) is expected


def test_sshd_settings_come_by_keyword() -> None:
    settings = checks.sshd_settings(host_that_says(Recorded("port 22\nauthorizedkeysfile /a/%u /b\n")))
    assert settings == {"port": "22", "authorizedkeysfile": "/a/%u /b"}


def test_the_searched_secret_is_in_no_command() -> None:
    recorded = Recorded("/etc/b\n/etc/a\n")
    assert checks.files_that_tell(host_that_says(recorded), Secret("s3cr3t-pass-word")) == ["/etc/a", "/etc/b"]
    [(command, stdin)] = recorded.asked
    assert "s3cr3t" not in command
    assert stdin == b"s3cr3t-pass-word\n"


def test_a_search_that_failed_is_no_all_clear() -> None:
    with pytest.raises(AssertionError, match="said why"):
        checks.files_that_tell(host_that_says(Recorded("", code=1)), Secret("s3cr3t-pass-word"))


def test_short_secrets_are_not_searched_for() -> None:
    with pytest.raises(pytest.skip.Exception, match="fewer than 8"):
        checks.files_that_tell(host_that_says(Recorded("")), Secret("admin"))


def test_an_unreadable_file_is_not_taken_for_a_clean_one() -> None:
    with pytest.raises(AssertionError, match="cannot be read"):
        checks.mentions(host_that_says(Recorded("", code=2)), Secret("s3cr3t-pass-word"), "/etc/x")
