"""What a job hands over to the pages: its report, and for open changes the way to accept them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from harness.embedded.forge import clock
from harness.forge.client import Address, Forge, Login
from harness.forge.errors import ForgeError, ForgeUnreachable
from harness.kit.errors import HarnessError
from harness.pipeline import publish, requests
from harness.pipeline.door import Office
from harness.pipeline.job import Job
from harness.pipeline.tell import Report, deliver
from tests.unit.pages_site import Site, site


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("publish")) as found:
        for name in ("config", "broker", "proxy"):
            found.repository(f"main/{name}", {"a": "b\n"})
            found.api.call(
                "POST", f"/repos/main/{name}/branches", {"new_branch_name": "release", "old_ref_name": "main"}
            )
        for name in ("config", "broker"):
            found.api.commit(f"main/{name}", {"a": "c\n"}, "Change it")
            release = {"title": "Release", "head": "main", "base": "release"}
            found.api.call("POST", f"/repos/main/{name}/pulls", release)
        yield found


@dataclass
class Listener:
    """A voice that keeps the reports it is given, and what is said aloud."""

    reports: list[Report] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def report(self, found: Report) -> None:
        """Keep it."""
        self.reports.append(found)


class Answering:
    """A forge that answers everything with one error."""

    def __init__(self, error: HarnessError) -> None:
        self.error = error

    def put(self, path: str, body: Any) -> Any:
        """Fail."""
        raise self.error

    def listed(self, path: str, **_: Any) -> Any:
        """Fail."""
        raise self.error


def _client(forge: Site) -> Forge:
    return Forge(Address(forge.url), Login(forge.served.admin, forge.served.password))


def _office(client: object, listener: Listener, run: int = 0) -> Office:
    job = Job(
        "http://forge", "main/broker", "push", "release", "1" * 40, f"http://forge/main/broker/actions/runs/{run}"
    )
    return Office(Path(), {}, listener.said.append, job, cast("Forge", client), cast("Any", listener))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    directory = tmp_path / "20260131T120000Z-1a2b"
    directory.mkdir()
    (directory / "report.html").write_text("<p>All verified</p>")
    return directory


def test_the_link_leads_to_the_report(forge: Site, run: Path) -> None:
    database, now = forge.served.forge.db, clock.now()
    key = database.insert(
        "run", repo_id=database.value("SELECT id FROM repository WHERE name = 'broker'"), number=1, file="release.yml",
        title="Release", event="push", ref="refs/heads/release", sha="1" * 40, code_sha="1" * 40, actor_id=1,
        payload="{}", name="Release", base_url="", created=now, updated=now, status="completed", conclusion="success",
    )  # fmt: skip
    address = publish.report(_office(_client(forge), Listener(), key), run)
    path = f"/main/broker/actions/reports/{run.name}"
    assert address == f"http://forge{path}"  # by the name that people know the forge by, not the job's
    reader = forge.visitor()
    assert reader.get(f"{path}/document").text == "<p>All verified</p>"
    assert path in reader.get(f"/main/broker/actions/runs/{key}").text


@pytest.mark.parametrize("status", [404, 405])
def test_a_forge_that_keeps_no_reports_leaves_the_link_to_the_run(run: Path, status: int) -> None:
    listener = Listener()
    forge = Answering(ForgeError("PUT /api/gitops/reports", status, "no"))
    assert publish.report(_office(forge, listener), run) == ""
    assert (listener.reports, listener.said) == ([], [])


def test_a_report_that_is_refused_is_said_and_stops_nothing(run: Path) -> None:
    listener = Listener()
    assert publish.report(_office(Answering(ForgeError("PUT", 413, "too large")), listener), run) == ""
    assert "too large" in listener.said[0]


def test_a_forge_that_is_away_gets_the_report_later(forge: Site, run: Path) -> None:
    listener = Listener()
    assert publish.report(_office(Answering(ForgeUnreachable("away")), listener), run) == ""
    (kept,) = listener.reports
    record = {"kind": "report", "name": kept.name, "file": kept.file, "repository": kept.repository, "run": kept.run}
    deliver(_client(forge), record)
    assert forge.visitor().get(f"/main/broker/actions/reports/{run.name}").status_code == 200
    deliver(_client(forge), {**record, "file": str(run / "gone.html")})  # nothing left to tell


def test_without_a_report_nothing_is_handed_over(forge: Site, tmp_path: Path) -> None:
    assert publish.report(_office(_client(forge), Listener()), tmp_path) == ""


def _entry(name: str, *, changed: bool = True, stage: str = "") -> dict[str, Any]:
    owner = stage or "main"
    return {"name": name, "repository": f"{owner}/{name}", "stage": stage, "changes": [{"field": "memory"}] * changed}


def test_open_changes_lead_to_the_pull_request_that_carries_them_out(forge: Site) -> None:
    entries = [
        _entry("broker"),  # has one of its own
        _entry("proxy"),  # has none, so the monorepo's
        _entry("apache"),  # has no repository yet
        _entry("config", changed=False),
        _entry("broker", stage="stage"),  # nobody's but its own
    ]
    found = [one.get("changes_link") for one in requests.with_links(_client(forge), entries)]
    own, whole = "/main/broker/pulls/1", "/main/config/pulls/1"
    assert found == [own, whole, whole, None, ""]


def test_a_link_that_cannot_be_found_keeps_no_list_from_being_told() -> None:
    away = cast("Forge", Answering(ForgeUnreachable("away")))
    assert requests.with_links(away, [_entry("broker")])[0]["changes_link"] == ""
    assert requests.with_links(None, [_entry("broker")]) == [_entry("broker")]
