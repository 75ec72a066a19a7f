"""Every recorded scenario: status and essentials right in each step, and nearly every step exact."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.forge import real, shapes
from tests.contract.forge.client import Client
from tests.contract.forge.masking import essential, opened
from tests.contract.forge.mini_runner import MiniRunner
from tests.contract.forge.player import Listener, Player
from tests.contract.forge.target import Target

_DATA = Path(__file__).parent / "data"
_LEAST_EXACT = 0.9


def _scenarios() -> Iterator[Any]:
    for file in sorted(_DATA.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            scenario = json.loads(line)
            yield pytest.param(scenario, id=f"{scenario['area']}-{scenario['scenario']}".replace(" ", "-"))


def _comparable(step: dict[str, Any], answer: dict[str, Any]) -> Any:
    return opened(answer, step.get("ignore", ()), unordered=bool(step.get("unordered")))


def _name(scenario: dict[str, Any], number: int) -> str:
    step = scenario["steps"][number]
    what = f"{step.get('method', step['kind'])} {step.get('path', step.get('repo', ''))}"
    return f"{scenario['scenario']} #{number + 1}: {what}"


@pytest.mark.parametrize("scenario", list(_scenarios()))
def test_the_forge_answers_as_a_real_gitea_did(
    scenario: dict[str, Any], target: Target, listener: Listener, runner: MiniRunner | None, tmp_path: Path
) -> None:
    if scenario["area"] == "actions-run" and runner is None and not real.has_runner(Client.admin(target), "host"):
        pytest.skip("this forge has no runner with the label host")
    known = json.loads((_DATA / "inexact.json").read_text())
    player = Player(target.base, target.admin, target.password, listener, tmp_path)
    wrong, inexact = [], []
    for number, step in enumerate(scenario["steps"]):
        got = _comparable(step, player.play(step))
        want = _comparable(step, step["answer"])
        if got == want:
            continue
        inexact.append(_name(scenario, number))
        outcome = [(one.get("status"), one.get("ok"), essential(_plain(one))) for one in (want, got)]
        if outcome[0] != outcome[1]:
            wrong.append((_name(scenario, number), want, got))
    assert not wrong, json.dumps(wrong[0], indent=1)[:3000]
    misshapen = [words for answer in player.heard for words in shapes.faults(*answer)]
    assert not misshapen, misshapen[:5]
    unlisted = [name for name in inexact if name not in known]
    assert not unlisted, f"not exact and not in inexact.json: {unlisted}"


def _plain(answer: dict[str, Any]) -> Any:
    if "deliveries" in answer:
        return [one["body"] for one in answer["deliveries"]]
    return answer.get("response")


def test_at_most_a_tenth_of_the_steps_is_listed_as_inexact() -> None:
    steps = sum(len(parameter.values[0]["steps"]) for parameter in _scenarios())
    known = json.loads((_DATA / "inexact.json").read_text())
    assert steps > 400
    assert len(known) <= steps * (1 - _LEAST_EXACT)
    assert all(reason.strip() for reason in known.values())
