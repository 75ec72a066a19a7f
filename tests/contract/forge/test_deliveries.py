"""What webhooks are told beside the recorded events."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract.forge.client import Client, commit, git, working_copy
from tests.contract.forge.player import Listener
from tests.contract.forge.target import Target

_EVENTS = ["pull_request", "release"]
Taken = list[tuple[str, Any]]


@pytest.fixture
def client(target: Target, tmp_path: Path) -> Client:
    """A pull request, and ann, who may write."""
    client = Client.admin(target)
    person = {"username": "ann", "email": "ann@example.com", "password": "Secret-123", "must_change_password": False}
    client.api("POST", "/admin/users", person)
    client.repository("main/app")
    client.api("PUT", "/repos/main/app/collaborators/ann", {"permission": "write"})
    work = working_copy(tmp_path / "work", {"a": "1\n"})
    git(work, "push", "-q", client.url("main/app"), "main")
    git(work, "checkout", "-q", "-b", "topic")
    commit(work, {"b": "1\n"}, "second")
    git(work, "push", "-q", client.url("main/app"), "topic")
    client.api("POST", "/repos/main/app/pulls", {"head": "topic", "base": "main", "title": "old", "body": "text"})
    return client


@pytest.fixture
def take(client: Client, listener: Listener, tmp_path: Path) -> Callable[[int], Taken]:
    """The next deliveries: their full type and payload."""
    path = f"/{tmp_path.name}"
    config = {"url": f"{listener.url}{path}", "content_type": "json"}
    client.api("POST", "/repos/main/app/hooks", {"type": "gitea", "active": True, "events": _EVENTS, "config": config})

    def taken(count: int) -> Taken:
        found = listener.take(path, count, 20)
        lower = [({name.lower(): value for name, value in headers.items()}, body) for _, headers, body in found]
        return [(headers["x-gitea-event-type"], json.loads(body)) for headers, body in lower]

    return taken


def test_an_edit_says_what_was_there_before(client: Client, take: Callable[[int], Taken]) -> None:
    client.api("PATCH", "/repos/main/app/pulls/1", {"title": "new", "body": "other"})

    told = [payload["changes"] for _, payload in take(2)]

    assert told == [{"title": {"from": "old"}}, {"body": {"from": "text"}}]


def test_who_is_given_a_pull_request_and_asked_for_a_verdict_is_told(
    client: Client, take: Callable[[int], Taken]
) -> None:
    client.api("PATCH", "/repos/main/app/pulls/1", {"assignees": ["ann"]})
    client.api("PATCH", "/repos/main/app/pulls/1", {"assignees": []})
    client.api("POST", "/repos/main/app/pulls/1/requested_reviewers", {"reviewers": ["ann"]})

    told = take(3)

    assert [(kind, payload["action"]) for kind, payload in told] == [
        ("pull_request_assign", "assigned"),
        ("pull_request_assign", "unassigned"),
        ("pull_request_review_request", "review_requested"),
    ]
    assert told[2][1]["requested_reviewer"]["login"] == "ann"


def test_a_release_is_told_and_a_draft_is_not(client: Client, take: Callable[[int], Taken]) -> None:
    client.api("POST", "/repos/main/app/releases", {"tag_name": "v0", "draft": True})
    made = client.api("POST", "/repos/main/app/releases", {"tag_name": "v1", "name": "one"})
    client.api("PATCH", f"/repos/main/app/releases/{made['id']}", {"name": "first"})
    client.api("DELETE", f"/repos/main/app/releases/{made['id']}")

    told = [(payload["action"], payload["release"]["tag_name"]) for _, payload in take(3)]

    assert told == [("published", "v1"), ("updated", "v1"), ("deleted", "v1")]


def test_labels_and_a_sign_off_arrive(client: Client, take: Callable[[int], Taken]) -> None:
    client.api("POST", "/repos/main/app/labels", {"name": "bug", "color": "#f00"})
    client.api("POST", "/repos/main/app/issues/1/labels", {"labels": ["bug"]})
    client.api("PUT", "/repos/main/app/contents/c", {"content": "aGk=", "message": "m", "signoff": True})

    [(kind, payload)] = take(1)

    assert (kind, payload["action"]) == ("pull_request_label", "label_updated")
    assert [label["color"] for label in payload["pull_request"]["labels"]] == ["ff0000"]
    message = client.api("GET", "/repos/main/app/commits?limit=1")[0]["commit"]["message"]
    assert message.startswith("m\n\nSigned-off-by: ")
