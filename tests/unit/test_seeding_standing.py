"""What seeding decides from where a repository stands."""

from __future__ import annotations

import pytest

from harness.lifecycle.seeding.standing import Base, Decision, Move, Standing, decide

HEAD, TREE, OTHER = "h", "tree", "other"


def standing(*bases: Base, head: str | None = HEAD, head_tree: str | None = OTHER, essence: str = TREE) -> Standing:
    return Standing(TREE, essence, head, head_tree, head_tree, bases)


@pytest.mark.parametrize(
    ("case", "wanted"),
    [
        pytest.param(standing(head=None, head_tree=None), Decision(Move.START, None), id="nothing is there"),
        pytest.param(
            standing(Base("s", TREE, False, False), head=None, head_tree=None),
            Decision(Move.START, "s"),
            id="the forge was emptied: its history goes on",
        ),
        pytest.param(standing(head_tree=TREE), Decision(Move.KEEP, HEAD), id="equal"),
        pytest.param(standing(Base(HEAD, OTHER, True, True)), Decision(Move.FORWARD, HEAD), id="nobody else was there"),
        pytest.param(standing(Base("newer", "x", True, False)), Decision(Move.FORWARD, HEAD), id="a clone is further"),
        pytest.param(
            standing(Base("s", OTHER, False, True)), Decision(Move.FORWARD, HEAD), id="only pointers moved since"
        ),
        pytest.param(standing(Base("s", TREE, False, True)), Decision(Move.WAIT, HEAD), id="the tree has nothing new"),
        pytest.param(standing(Base("s", "x", False, True)), Decision(Move.ASK, "s"), id="both moved"),
        pytest.param(standing(), Decision(Move.ASK, None), id="where the tree comes from is not known"),
        pytest.param(
            standing(Base("asked", TREE, False, False)), Decision(Move.ASK, "asked"), id="it was asked, and still waits"
        ),
    ],
)
def test_what_is_done(case: Standing, wanted: Decision) -> None:
    assert decide(case) == wanted


def test_one_commit_that_knows_all_is_enough() -> None:
    assert decide(standing(Base("s", "x", False, True), Base("local", "x", True, False))).move is Move.FORWARD
