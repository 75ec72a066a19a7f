"""Beside the API: health for everybody, the rest for whoever has the key and asks from this machine."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from harness.embedded.node import control, fixture, routing
from harness.embedded.node.access_log import AccessLog
from harness.embedded.node.application import Application, Request, Response
from harness.embedded.node.routes.prune import marked

KEY = {"authorization": "Bearer secret"}


@pytest.fixture
def served() -> Iterator[fixture.Served]:
    with fixture.serve(options=replace(fixture.QUICK, control_key="secret")) as found:
        yield found


def ask(served: fixture.Served, method: str, path: str, body: object = None, **changes: object) -> tuple[int, object]:
    given = {"headers": KEY, "peer": "127.0.0.1", **changes}
    request = Request(method, path, "", given["headers"], json.dumps(body or {}).encode(), str(given["peer"]))  # type: ignore[arg-type]
    answer = Application(served.node).handle(request)
    return answer.status, json.loads(answer.body or b"null")


def test_health_is_for_everybody(served: fixture.Served) -> None:
    status, body = ask(served, "GET", "/health", headers={}, peer="192.0.2.7")
    assert (status, body["status"], body["containers"]) == (200, "ok", 0)  # type: ignore[index]
    assert body["calls_implemented"] == len(routing.implemented())  # type: ignore[index]


def test_control_wants_loopback_and_the_key(served: fixture.Served) -> None:
    assert ask(served, "GET", "/embedded/faults", peer="10.143.0.13")[0] == 403
    assert ask(served, "GET", "/embedded/faults", headers={})[0] == 401
    assert ask(served, "GET", "/embedded/faults", headers={"authorization": "Bearer sécret"})[0] == 401
    assert ask(served, "GET", "/embedded/faults") == (200, {"fault": []})


def test_without_a_key_control_is_closed() -> None:
    with fixture.serve() as served:
        assert ask(served, "GET", "/embedded/faults", headers={"authorization": "Bearer "})[0] == 401


def test_a_plan_is_shown_with_its_counts_and_ended(served: fixture.Served) -> None:
    ask(served, "PUT", "/embedded/faults", {"fault": [{"action": "slow", "seconds": 0, "path": "/version"}]})
    Application(served.node).handle(Request("GET", "/api2/json/version", "", {}))
    status, body = ask(served, "GET", "/embedded/faults")
    assert (status, body["fault"][0]["struck"]) == (200, 1)  # type: ignore[index]
    assert ask(served, "DELETE", "/embedded/faults") == (200, {"fault": []})


def test_what_is_wrong_is_told(served: fixture.Served) -> None:
    assert ask(served, "PUT", "/embedded/faults", {"fault": [{"action": "no"}]})[0] == 400
    assert ask(served, "POST", "/embedded/unlock/100")[1] == {"error": "container 100 does not exist"}
    assert ask(served, "POST", "/embedded/nonsense")[0] == 404


def test_an_access_is_one_line_without_the_query() -> None:
    stream = io.StringIO()
    log = AccessLog(stream)
    log.write(
        "127.0.0.1",
        "GET",
        "/api2/json/version?password=x",
        Response(200, "OK", b"{}", user="root@pam"),
        time.monotonic(),
    )
    line = json.loads(stream.getvalue())
    assert (line["path"], line["user"], line["status"], line["bytes"]) == ("/api2/json/version", "root@pam", 200, 2)
    assert "password" not in stream.getvalue()


def test_the_caller_is_in_the_answer_for_the_log(served: fixture.Served) -> None:
    ticket = served.node.sealer.ticket("root@pam")
    request = Request("GET", "/api2/json/version", "", {"authorization": f"PVEAuthCookie={ticket}"})
    assert Application(served.node).handle(request).user == "root@pam"


def backup(name: str, when: str, **more: object) -> tuple[str, dict[str, object]]:
    ctime = int(time.mktime(time.strptime(when, "%Y-%m-%d %H:%M")))
    return name, {"vmid": 100, "ctime": ctime, "subtype": "lxc", **more}


BACKUPS = [
    backup("a", "2026-01-01 10:00"),
    backup("b", "2026-01-02 10:00"),
    backup("c", "2026-01-02 12:00"),
    backup("d", "2026-01-03 10:00", protected=1),
    backup("e", "2026-01-03 12:00"),
]


@pytest.mark.parametrize(
    ("rules", "kept"),
    [
        ({"keep-all": 1}, "abce"),
        ({}, "abce"),
        ({"keep-last": 1}, "e"),
        ({"keep-last": 2}, "ce"),
        ({"keep-daily": 2}, "ce"),
        ({"keep-last": 1, "keep-daily": 1}, "ce"),
        ({"keep-yearly": 1}, "e"),
    ],
)
def test_what_pruning_keeps(rules: dict[str, int], kept: str) -> None:
    marks = {item["volid"]: item["mark"] for item in marked(BACKUPS, rules)}  # type: ignore[arg-type]
    assert "".join(name for name, mark in marks.items() if mark == "keep") == kept
    assert marks["d"] == "protected"


def test_the_key_is_kept_for_the_owner_alone(tmp_path: object) -> None:
    key = control.ensure_key(tmp_path)  # type: ignore[arg-type]
    assert control.ensure_key(tmp_path) == key  # type: ignore[arg-type]
    assert (tmp_path / control.KEY_FILE).stat().st_mode & 0o777 == 0o600  # type: ignore[operator]
