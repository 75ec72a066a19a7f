"""Requests beside the recorded ones: what Gitea's source says of them, and that every answer has its shape.

``data/neighbours.json`` has scenes: each begins with an organisation ``o`` whose repository ``app`` has ``README.md``
on ``main`` and branches ``topic`` (changes it) and ``other`` (changes it otherwise), and with a person ``ann`` who may
do nothing special. A step is ``[who, method, path, body, status, words]``; ``words`` is the message, or what the
answer's text holds, or ``null`` for an answer without a body; ``{sha}`` in a path or a body is the head of ``main``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.contract.forge import shapes
from tests.contract.forge.client import Client, commit, git, working_copy
from tests.contract.forge.target import Target

_SCENES: dict[str, list[list[Any]]] = json.loads(
    (Path(__file__).parent / "data" / "neighbours.json").read_text(encoding="utf-8")
)
_PASSWORD = "Secret-123"


def _prepare(client: Client, where: Path) -> str:
    """The state that every scene begins with; the head of ``main``."""
    person = {"username": "ann", "email": "ann@example.com", "password": _PASSWORD, "must_change_password": False}
    client.api("POST", "/admin/users", person)
    client.repository("o/app")
    work = working_copy(where / "work", {"README.md": "one\n"})
    git(work, "push", "-q", client.url("o/app"), "main")
    sha = git(work, "rev-parse", "HEAD").stdout.strip()
    for branch in ("topic", "other"):
        git(work, "checkout", "-q", "-b", branch, sha)
        commit(work, {"README.md": f"{branch}\n"}, branch)
        git(work, "push", "-q", client.url("o/app"), branch)
    return sha


def _filled(value: Any, sha: str) -> Any:
    return json.loads(json.dumps(value).replace("{sha}", sha))


def _said(answer: Any) -> Any:
    return answer.get("message", json.dumps(answer)) if isinstance(answer, dict) else answer


@pytest.mark.usefixtures("embedded")
@pytest.mark.parametrize("scene", _SCENES)
def test_the_forge_answers_as_giteas_source_says(target: Target, tmp_path: Path, scene: str) -> None:
    root = Client.admin(target)
    people = {"root": root, "ann": Client(target.base, "ann", _PASSWORD)}
    sha = _prepare(root, tmp_path)
    for number, (who, method, path, body, status, words) in enumerate(_SCENES[scene]):
        step = f"{scene} #{number + 1}: {who} {method} {path}"
        full = f"/api/v1{_filled(path, sha)}"
        got, answer = people[who].ask(method, full, _filled(body, sha))
        assert (got, shapes.faults(method, full, got, answer)) == (status, []), (step, answer)
        if words is None or not isinstance(answer, dict | str):
            assert words is None or words in json.dumps(answer), (step, answer)
        elif status >= 400:
            assert _said(answer) == _filled(words, sha), step
        else:
            assert words in json.dumps(answer), (step, answer)
