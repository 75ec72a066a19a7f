"""testinfra over an agent that only notes what it is asked."""

from __future__ import annotations

from typing import Any, cast

import pytest
from testinfra.host import Host

from harness.verify.agent import Agent, Answer
from harness.verify.backend import make_host


class Notes:
    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def ask(self, command: str, **keywords: Any) -> Answer:
        self.asked.append((command, keywords))
        return self.answer


@pytest.fixture
def notes() -> Notes:
    return Notes(Answer(2, "grüße\n".encode(), b"oh\n"))


@pytest.fixture
def host(notes: Notes) -> Host:
    return make_host("broker", cast("Agent", notes))


def test_arguments_are_quoted_into_the_command(host: Host, notes: Notes) -> None:
    host.run("echo %s", "a; b")
    assert notes.asked[0][0] == "echo 'a; b'"


def test_a_result_is_what_testinfra_expects(host: Host) -> None:
    result = host.run("x")
    assert (result.rc, result.stdout, result.stderr, result.failed) == (2, "grüße\n", "oh\n", True)


def test_the_encoding_costs_no_command(host: Host, notes: Notes) -> None:
    assert host.backend.encoding == "utf-8"
    assert notes.asked == []


def test_standard_input_and_time_out_are_handed_on(host: Host, notes: Notes) -> None:
    host.run("cat", stdin="text", timeout=3)
    assert notes.asked[0][1] == {"stdin": b"text", "timeout": 3}


def test_root_stays_root(host: Host, notes: Notes) -> None:
    with host.sudo():
        host.run("id -u")
    assert notes.asked[0][0] == "id -u"


def test_becoming_another_user_takes_no_sudo(host: Host, notes: Notes) -> None:
    with host.sudo("app"):
        host.run("echo %s", "a b")
    host.run("id")
    assert notes.asked[0][0] == """runuser -u app -- /bin/sh -c 'echo '"'"'a b'"'"''"""
    assert notes.asked[1][0] == "id"


def test_it_is_known_by_the_containers_name(host: Host) -> None:
    assert host.backend.get_pytest_id() == "gitops://broker"
