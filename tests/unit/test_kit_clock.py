"""Waiting takes a condition and a deadline."""

from __future__ import annotations

import pytest

from harness.kit.clock import Deadline, wait_until
from harness.kit.errors import DeadlineError
from tests.samples import FakeClock


def test_waiting_returns_what_the_probe_found() -> None:
    answers = iter([None, None, "ready"])
    assert wait_until(lambda: next(answers), Deadline(10, FakeClock()), "it") == "ready"


def test_pauses_grow_up_to_the_longest_and_never_pass_the_deadline() -> None:
    clock = FakeClock()
    with pytest.raises(DeadlineError, match="ssh of broker: not within 3 s"):
        wait_until(lambda: None, Deadline(3, clock), "ssh of broker", first_pause=0.1, longest_pause=0.8)
    assert clock.pauses[0] == 0.1
    assert max(clock.pauses) == 0.8
    assert clock.time == pytest.approx(3, abs=0.01)


def test_a_condition_that_holds_already_costs_no_pause() -> None:
    clock = FakeClock()
    wait_until(lambda: True, Deadline(1, clock), "it")
    assert clock.pauses == []
