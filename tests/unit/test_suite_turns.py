"""Whose turn it is: order by needs, one worker a group, never a deadlock."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.suite.turns import Group, Turns


def group(name: str, *items: str) -> Group:
    return Group(name, [f"{name}.{item}" for item in (*items, "end")], closing=True)


def turns(needs: dict[str, tuple[str, ...]], *, workers: int, items: tuple[str, ...] = ("a", "b")) -> Turns:
    result = Turns([group(name, *items) for name in needs], needs)
    for number in range(workers):
        result.join(f"gw{number}")
    return result


class Simulation:
    """Workers as pytest-xdist has them: the last item in hand starts only when another follows or work is over."""

    def __init__(self, subject: Turns, seed: int = 0) -> None:
        self.turns = subject
        self.queues: dict[str, list[str]] = {worker: [] for worker in subject.workers}
        self.ran: list[tuple[str, str]] = []
        self._random = random.Random(seed)

    def run(self, crash_at: str | None = None) -> list[str]:
        self._hand_out()
        while any(self._startable(worker) for worker in self.queues):
            worker = self._random.choice([name for name in self.queues if self._startable(name)])
            item = self.queues[worker].pop(0)
            self.ran.append((worker, item))
            if item == crash_at:
                self._crash(worker, item)
            else:
                self.turns.done(worker, item)
            self._hand_out()
        return [item for _, item in self.ran]

    def _startable(self, worker: str) -> bool:
        over = self.turns.waiting == 0
        return len(self.queues[worker]) > (0 if over else 1)

    def _crash(self, worker: str, item: str) -> None:
        assert self.turns.leave(worker) == item
        del self.queues[worker]
        self.turns.join(f"{worker}'")
        self.queues[f"{worker}'"] = []

    def _hand_out(self) -> None:
        for worker in self.queues:
            while taken := self.turns.take(worker):
                self.queues[worker] += taken.pending


CHAIN = {"proxy": ("apache",), "apache": ("broker",), "broker": ()}
DIAMOND = {"top": (), "left": ("top",), "right": ("top",), "bottom": ("left", "right")}


@pytest.mark.parametrize("workers", [1, 2, 3, 4])
@pytest.mark.parametrize("needs", [CHAIN, DIAMOND], ids=["chain", "diamond"])
def test_every_group_runs_after_those_it_needs(needs: dict[str, tuple[str, ...]], workers: int) -> None:
    ran = Simulation(turns(needs, workers=workers)).run()
    assert len(ran) == 3 * len(needs)
    for name, needed in needs.items():
        for other in needed:
            assert ran.index(f"{other}.b") < ran.index(f"{name}.a")


def test_a_group_stays_on_one_worker() -> None:
    simulation = Simulation(turns({"a": (), "b": (), "c": ("a",), "d": ()}, workers=2))
    simulation.run()
    for name in "abcd":
        assert len({worker for worker, item in simulation.ran if item.startswith(name)}) == 1


def test_independent_groups_go_to_different_workers() -> None:
    subject = turns({"a": (), "b": ()}, workers=2)
    first, second = subject.take("gw0"), subject.take("gw1")
    assert (first and first.name, second and second.name) == ("a", "b")


def test_a_worker_with_work_gets_no_more() -> None:
    subject = turns({"a": (), "b": ()}, workers=1)
    assert subject.take("gw0")
    assert subject.take("gw0") is None


def test_a_group_that_many_wait_for_goes_first() -> None:
    subject = turns({"lonely": (), "wanted": (), "one": ("wanted",), "two": ("one",)}, workers=1)
    taken = subject.take("gw0")
    assert taken
    assert taken.name == "wanted"


def test_needs_outside_the_run_do_not_count() -> None:
    subject = turns({"proxy": ("apache",)}, workers=1)
    assert subject.take("gw0")


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_crash_gives_the_rest_back_and_not_the_item_that_crashed(workers: int) -> None:
    ran = Simulation(turns(CHAIN, workers=workers)).run(crash_at="apache.a")
    assert ran.count("apache.a") == 1
    assert ran.index("apache.a") < ran.index("apache.b") < ran.index("proxy.a")


def test_a_crash_in_the_last_real_item_frees_those_who_wait() -> None:
    ran = Simulation(turns(CHAIN, workers=2)).run(crash_at="broker.b")
    assert "proxy.end" in ran


def test_groups_in_a_circle_run_all_the_same() -> None:
    ran = Simulation(turns({"a": ("b",), "b": ("a",)}, workers=2)).run()
    assert sorted(ran) == ["a.a", "a.b", "a.end", "b.a", "b.b", "b.end"]


@given(
    edges=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20),
    workers=st.integers(1, 4),
    seed=st.integers(0, 1000),
    crash=st.none() | st.integers(0, 7),
)
def test_no_shape_of_needs_ever_hangs(edges: list[tuple[int, int]], workers: int, seed: int, crash: int | None) -> None:
    needs = {str(n): tuple(str(a) for a, b in edges if b == n and a < b) for n in range(8)}
    ran = Simulation(turns(needs, workers=workers), seed).run(crash_at=None if crash is None else f"{crash}.a")
    assert sorted(ran) == sorted(f"{n}.{item}" for n in range(8) for item in ("a", "b", "end"))
    for name, needed in needs.items():
        assert all(ran.index(f"{other}.b") < ran.index(f"{name}.a") for other in needed)
