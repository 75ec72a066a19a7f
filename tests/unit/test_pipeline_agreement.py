"""What accepting a pull request means, and that nobody else can say so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.lifecycle.plan import Action, ContainerPlan, Effect, FieldChange, Plan
from harness.pipeline import agreement
from harness.pipeline.agreement import NOTHING, Agreement, Level

KEY = b"k" * 32
PLACE = "main/broker#7"


def entry(name: str = "broker", action: Action = Action.CHANGE, **more: object) -> ContainerPlan:
    base = ContainerPlan(name, 111, "pve", name, "192.0.2.11/24", action, "because", revision="abc")
    return replace(base, **more)  # type: ignore[arg-type]


def plan(*entries: ContainerPlan, commit: str = "1") -> Plan:
    return Plan("embedded", "mr-1", commit, entries)


def test_a_sealed_agreement_is_read_again() -> None:
    agreed = Agreement.on(plan(entry(action=Action.REPLACE), entry("proxy", Action.RESTART), entry("web")), "head")
    text = f"<!-- gitops:plan -->\n{agreement.seal(agreed, KEY, PLACE)}\nwords"
    assert agreement.unseal(text, KEY, PLACE) == agreed
    assert agreed.levels == {"broker": Level.REPLACE, "proxy": Level.RESTART}
    assert agreed.replaced == {"broker"}


@pytest.mark.parametrize(
    ("key", "place"), [(b"x" * 32, PLACE), (KEY, "main/broker#8"), (KEY, "stage/broker#7")], ids=str
)
def test_a_seal_means_nothing_elsewhere(key: bytes, place: str) -> None:
    line = agreement.seal(Agreement.on(plan(entry())), KEY, PLACE)
    assert agreement.unseal(line, key, place) is None


def test_a_changed_agreement_has_lost_its_seal() -> None:
    line = agreement.seal(Agreement("d", {}), KEY, PLACE)
    other = agreement.seal(Agreement("d", {"broker": Level.REPLACE}), b"y" * 32, PLACE)
    forged = f"{other.split('.')[0]}.{line.split('.')[1]}"
    assert agreement.unseal(forged, KEY, PLACE) is None
    assert agreement.unseal("nothing of that kind", KEY, PLACE) is None


@pytest.mark.parametrize(
    ("agreed", "now", "exceeds"),
    [
        (Action.CHANGE, Action.CHANGE, False),
        (Action.CHANGE, Action.CREATE, False),
        (Action.CHANGE, Action.RESTART, True),
        (Action.CONVERGE, Action.REPLACE, True),
        (Action.RESTART, Action.RESTART, False),
        (Action.RESTART, Action.REPLACE, True),
        (Action.REPLACE, Action.RESTART, False),
        (Action.REPLACE, Action.REPLACE, False),
    ],
)
def test_what_goes_beyond_the_agreement(agreed: Action, now: Action, exceeds: bool) -> None:
    found = agreement.exceeding(plan(entry(action=now)), Agreement.on(plan(entry(action=agreed))))
    assert bool(found) is exceeds


def test_another_plan_than_the_accepted_one_went_stale() -> None:
    accepted, now = plan(entry()), plan(entry(action=Action.CONVERGE))
    assert not agreement.went_stale(accepted, Agreement.on(accepted))
    assert agreement.went_stale(now, Agreement.on(accepted))
    assert not agreement.went_stale(now, NOTHING)


def test_without_an_agreement_nothing_is_restarted_or_replaced() -> None:
    made = plan(entry("a", Action.CREATE), entry("b", Action.RESTART), entry("c", Action.REPLACE))
    assert [one.name for one in agreement.exceeding(made, NOTHING)] == ["b", "c"]


def test_what_is_not_deployed_from_here_exceeds_nothing() -> None:
    assert agreement.exceeding(plan(entry(action=Action.REPLACE, deployed_here=False)), NOTHING) == ()


def test_the_digest_names_what_is_done_and_not_when_it_was_planned() -> None:
    change = FieldChange("memory", "512", "1024", Effect.HOT)
    first = plan(entry(changes=(change,)))
    assert agreement.digest(first) == agreement.digest(replace(first, commit="2"))
    for other in (
        entry(changes=(replace(change, new="2048"),)),
        entry(changes=(change,), revision="other"),
        entry(action=Action.REPLACE, changes=(change,)),
        entry(changes=(change,), node="pve2"),
    ):
        assert agreement.digest(plan(other)) != agreement.digest(first)
