"""The agent, run on this machine: what it does with commands does not depend on where it runs."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from typing import cast

import pytest

from harness.kit import process
from harness.remote import errors
from harness.remote.connection import Connection
from harness.verify.agent import Agent


class Here:
    """A connection to this machine."""

    address = "here"

    def __init__(self) -> None:
        self.started: list[subprocess.Popen[bytes]] = []

    def session(self, command: str, *, sudo: bool = False) -> subprocess.Popen[bytes]:
        assert sudo, "specs see what root sees"
        self.started.append(process.spawn(["sh", "-c", command], stderr=subprocess.DEVNULL))
        return self.started[-1]

    def run(self, command: str, **_: object) -> None:
        process.run(["sh", "-c", command])


@pytest.fixture
def here() -> Here:
    return Here()


@pytest.fixture
def agent(here: Here) -> Iterator[Agent]:
    made = Agent(cast("Connection", here))
    yield made
    made.close()


def test_outputs_and_code_come_apart(agent: Agent) -> None:
    answer = agent.ask("echo out; echo err >&2; exit 4")
    assert (answer.code, answer.stdout, answer.stderr) == (4, b"out\n", b"err\n")


def test_one_session_answers_many_commands(agent: Agent, here: Here) -> None:
    assert [agent.ask(f"echo {number}").stdout for number in range(5)] == [b"%d\n" % number for number in range(5)]
    assert len(here.started) == 1


def test_commands_do_not_see_one_another(agent: Agent) -> None:
    agent.ask("cd /tmp; x=1; export x")
    assert agent.ask("pwd; echo $x").stdout == b"/\n\n"


def test_input_larger_than_a_pipe_goes_through_and_comes_back(agent: Agent) -> None:
    data = os.urandom(1_000_000)
    assert agent.ask("cat", stdin=data).stdout == data


def test_input_that_is_not_read_is_dropped(agent: Agent) -> None:
    assert agent.ask("head -c 1", stdin=b"x" * 1_000_000).stdout == b"x"
    assert agent.ask("cat").stdout == b""


def test_both_outputs_may_be_large(agent: Agent) -> None:
    answer = agent.ask("head -c 300000 /dev/zero & head -c 300000 /dev/zero >&2; wait")
    assert (len(answer.stdout), len(answer.stderr)) == (300_000, 300_000)


def test_what_stays_in_the_background_does_not_hold_up_the_answer(agent: Agent) -> None:
    background = int(agent.ask("sleep 60 & echo $!").stdout)
    os.kill(background, signal.SIGTERM)  # raises when it has ended already


def test_a_command_that_closes_its_outputs_is_waited_for(agent: Agent) -> None:
    assert agent.ask("exec >&- 2>&-; sleep 0.1; exit 9").code == 9


def test_a_late_command_is_killed_with_its_children(agent: Agent) -> None:
    with pytest.raises(errors.RemoteError, match=r"no end within 0\.1 s: sleep 31\.25"):
        agent.ask("sleep 31.25; true", timeout=0.1)
    assert agent.ask("pgrep -f '^sleep 31[.]25'").code == 1


def test_after_a_late_command_the_session_goes_on(agent: Agent, here: Here) -> None:
    with pytest.raises(errors.RemoteError):
        agent.ask("sleep 32", timeout=0.1)
    assert agent.ask("echo next").stdout == b"next\n"
    assert len(here.started) == 1


def test_a_killed_command_has_the_code_that_shells_give_it(agent: Agent) -> None:
    assert agent.ask("kill -9 $$").code == 137


def test_an_unknown_program_is_code_127(agent: Agent) -> None:
    assert agent.ask("no-such-program-here").code == 127


def test_a_broken_session_is_reported_once_and_then_made_anew(agent: Agent, here: Here) -> None:
    agent.ask("true")
    with pytest.raises(errors.ConnectionLost, match="no answer to kill"):
        agent.ask("kill -9 $PPID")
    assert agent.ask("echo anew").stdout == b"anew\n"
    assert len(here.started) == 2


def test_a_session_that_ended_between_commands_goes_unnoticed(agent: Agent, here: Here) -> None:
    agent.ask("true")
    here.started[0].kill()
    here.started[0].wait()
    assert agent.ask("echo anew").stdout == b"anew\n"


def test_closing_ends_the_agent(agent: Agent, here: Here) -> None:
    agent.ask("true")
    agent.close()
    assert here.started[0].returncode is not None


class Without(Here):
    """A machine on which the agent cannot start."""

    def session(self, command: str, *, sudo: bool = False) -> subprocess.Popen[bytes]:
        return super().session("echo some login banner; exit 1", sudo=sudo)


def test_an_agent_that_does_not_start_says_so() -> None:
    with pytest.raises(errors.RemoteError, match="did not start"):
        Agent(cast("Connection", Without())).ask("true")


class Chatty(Here):
    """A machine whose profile prints."""

    def session(self, command: str, *, sudo: bool = False) -> subprocess.Popen[bytes]:
        return super().session(f"echo welcome; {command}", sudo=sudo)


def test_a_greeting_of_the_login_is_no_answer() -> None:
    agent = Agent(cast("Connection", Chatty()))
    assert agent.ask("echo mine").stdout == b"mine\n"
    agent.close()
