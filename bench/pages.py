"""The forge's pages with 100 repositories and 1,000 runs: how long a person waits for each."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

from bench.measure import Figure
from harness.embedded.forge import access, clock, server
from harness.embedded.forge.access import Identity
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.services import (
    containers,
    contents,
    job_logs,
    organisations,
    pulls,
    reports,
    repositories,
)
from harness.embedded.forge.services.contents import Change, Operation
from harness.embedded.forge.store import accounts, actions
from harness.embedded.forge.store.records import Repository

REPOSITORIES, RUNS, ROUNDS = 100, 1000, 12
_PAGES = (
    "/", "/explore/repos", "/containers", "/pulls", "/runs", "/main", "/main/r1", "/main/r1/src/branch/main/src",
    "/main/r1/src/branch/main/src/file1.py", "/main/r1/commits/branch/main", "/main/r1/branches", "/main/r1/pulls",
    "/main/r1/pulls/1", "/main/r1/pulls/1/files", "/main/r1/pulls/1/commits", "/main/r1/actions",
    "/main/r1/actions/runs/1", "/main/r1/actions/reports/full", "/main/r1/actions/reports/full/document",
    "/main/r1/settings", "/main/r1/settings/actions/variables",
    "/user/settings/applications",
)  # fmt: skip


def measure(directory: Path) -> Iterator[Figure]:
    """Every page of one repository among many, signed in, one request after the other."""
    with server.serve(directory / "forge") as served:
        _fill(served.forge)
        session = _sign_in(served)
        first = {page: _once(session, served.url + page) for page in _PAGES}
        times = {page: [_once(session, served.url + page) for _ in range(ROUNDS)] for page in _PAGES}
        every = sorted(one for found in times.values() for one in found)
        slowest = max(times, key=lambda page: statistics.median(times[page]))
        note = f"{len(_PAGES)} pages, {REPOSITORIES} repositories, {RUNS} runs; slowest {slowest}"
        yield Figure("pages, p95", 1000 * every[int(0.95 * len(every))], "ms", limit=50.0, note=note)
        yield Figure("pages, median", 1000 * statistics.median(every), "ms")
        yield Figure(
            "pages, slowest first view", 1000 * max(first.values()), "ms", note=max(first, key=lambda p: first[p])
        )


def _once(session: requests.Session, address: str) -> float:
    begun = time.perf_counter()
    answer = session.get(address, timeout=30)
    took = time.perf_counter() - begun
    answer.raise_for_status()
    return took


def _sign_in(served: server.Served) -> requests.Session:
    session = requests.Session()
    page = session.get(f"{served.url}/user/login", timeout=30).text
    token = re.findall(r'name="_csrf" value="([0-9a-f]+)"', page)[0]
    form = {"_csrf": token, "user_name": served.admin, "password": served.password.reveal()}
    session.post(f"{served.url}/user/login", data=form, timeout=30).raise_for_status()
    return session


def _fill(forge: Forge) -> None:
    root = accounts.by_name(forge.db, forge.settings.admin)
    assert root is not None
    who = Identity(root)
    owner = organisations.create(forge, root, "main", {})
    for number in range(REPOSITORIES):
        found = repositories.create(forge, root, owner, {"name": f"r{number}", "description": "One of many"})
        _commit(
            forge, who, found.id, {"README.md": "# One of many\n\nText.\n", "config.env": f"ID={number}\n"}, "First"
        )
    one = repositories.find(forge, access.NOBODY, "main", "r1")
    for number in range(40):
        files = {f"src/file{number}.py": "import os\n\n\ndef one():\n    return os.getcwd()\n" * 20}
        _commit(forge, who, one.id, files, f"Change {number}")
    git = forge.git(one.id)
    git.move("refs/heads/release", git.text("rev-parse", "main~20"), "0" * 40)
    pulls.create(forge, root, one, {"head": "main", "base": "release", "title": "Release Pull Request"})
    _runs(forge, _owned(forge, owner.id), one, root.id)
    containers.publish(forge, {"containers": [_container(number) for number in range(REPOSITORIES)]})
    reports.keep(forge, one, "full", {"html": "<p>A spec passed.</p>\n" * 5000, "run": 1})


def _container(number: int) -> dict[str, Any]:
    """One as pipelines tell of it; every tenth has open changes."""
    changes = [{"field": "memory", "old": "512", "new": "1024", "entails": "none"}] if number % 10 == 0 else []
    specs = {"outcome": "passed", "passed": 12, "at": clock.show(clock.now()), "link": "/main/r1/actions/runs/1"}
    place = {"id": 100 + number, "status": "running", "node": "pve", "address": f"10.0.0.{number}"}
    about = {"repository": f"main/r{number}", "revision": "0123456789abcdef", "specs": specs, "changes": changes}
    return {"name": f"c{number}", **place, **about}


def _commit(forge: Forge, who: Identity, key: int, files: dict[str, str], message: str) -> None:
    import base64  # noqa: PLC0415 - only here

    found = forge.db.value("SELECT owner_id FROM repository WHERE id = ?", key)
    repository = next(one for one in _owned(forge, found) if one.id == key)
    operations = tuple(
        Operation("upload", path, base64.b64encode(text.encode()).decode()) for path, text in files.items()
    )
    contents.commit(forge, who, repository, Change(operations, message), forge.base)


def _owned(forge: Forge, owner: int) -> list[Repository]:
    from harness.embedded.forge.store import repositories as store  # noqa: PLC0415 - the service has the name

    return store.owned(forge.db, owner)


def _runs(forge: Forge, every: list[Repository], one: Repository, actor: int) -> None:
    """A thousand runs with payloads as real ones carry, half of them of ``one``; the first has 500 lines of log."""
    now = clock.now()
    shas = {found.id: forge.git(found.id).branch("main") for found in every}
    with forge.db.write():
        for number in range(RUNS):
            key = one.id if number % 2 == 0 else every[number % len(every)].id
            state = {"status": "completed", "conclusion": "success", "started": now, "ended": now + 60}
            run = forge.db.insert(
                "run", repo_id=key, number=number + 1, file="deploy.yml", title="Deploy", event="push",
                ref="refs/heads/main", sha=shas[key], code_sha=shas[key], actor_id=actor, payload="x" * 8000,
                name="Deploy", base_url="", created=now, updated=now, **state,
            )  # fmt: skip
            job = forge.db.insert(
                "job", run_id=run, repo_id=key, key="deploy", name="deploy", needs="[]", labels="[]", spec="{}",
                created=now, **state,
            )  # fmt: skip
            forge.db.insert("step", job_id=job, number=1, name="Deploy", first_line=0, **state)
    first = actions.jobs(forge.db, 1)[0]
    job_logs.append(forge, first, 0, [f"line {number} \x1b[32mok\x1b[0m" for number in range(500)])
