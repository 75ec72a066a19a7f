"""A forge with a small infrastructure in it: repositories, the release pull request with its plan, runs, containers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import requests

from harness.embedded.forge import clock
from harness.embedded.forge.server import Served
from harness.embedded.forge.services import job_logs
from harness.embedded.forge.store import actions
from tests.browser import deploy

README = """# Control plane

The infrastructure of a **small network**, described in files and deployed when a pull request is accepted.

| Container | Address | What it does |
|---|---:|---|
| `broker` | 10.143.0.11 | MQTT |
| `proxy` | 10.143.0.12 | Reverse proxy with its own CA |

## First steps

1. Read the [configuration](config.env).
2. Accept the *release pull request*.

```ruby
# libs/broker/recipes/default.rb
package 'mosquitto'
Common.application(self, 'mosquitto')
```

<script>alert('not here')</script>
"""
WORKFLOW = """name: Deploy
on:
  push:
    branches: [release]
  workflow_dispatch:
    inputs:
      container:
        default: broker
jobs:
  deploy:
    runs-on: shell
    steps:
      - name: Plan
        run: nox -s plan
      - name: Deploy
        run: nox -s deploy
"""
TASK = """name: {title}
on:{schedule}
  workflow_dispatch:
jobs:
  {name}:
    runs-on: shell
    steps:
      - name: {title}
        run: nox -s {name}
"""
TASKS = (
    ("deploy", "Merges every open release pull request whose plan is fine.", ""),
    ("health", "Asks every container and its service how they are.", "0 */3 * * *"),
    ("update", "Upgrades the system of every container, and reboots where that is required.", "30 4 * * 0"),
)
LAST = clock.show(clock.now() - 1500)
CONTAINERS: list[dict[str, Any]] = [
    {
        "name": "config", "id": 110, "hostname": "config", "status": "running", "address": "10.143.0.10",
        "node": "pve", "repository": "main/config", "revision": "9d2b61f07c55aa10",
        "specs": {"outcome": "passed", "passed": 9, "failed": 0, "at": LAST},
    },
    {
        "name": "broker", "id": 111, "hostname": "broker", "status": "running", "address": "10.143.0.11",
        "node": "pve", "repository": "main/broker", "revision": "51c0ffee12ab34cd",
        "specs": {"outcome": "passed", "passed": 12, "failed": 0, "at": LAST},
        "changes": [{"field": "memory", "old": "512 MiB", "new": "1024 MiB", "entails": "none"}],
        "changes_link": "/main/config/pulls/1",
    },
    {
        "name": "proxy", "id": 112, "hostname": "proxy", "status": "running", "address": "10.143.0.12",
        "node": "pve", "repository": "main/proxy", "revision": "77aa00bb11cc22dd",
        "specs": {
            "outcome": "failed", "passed": 6, "failed": 1, "at": LAST,
            "link": "/main/config/actions/runs/1", "report": deploy.REPORT,
            "failures": ["test_serves_every_host: 502 is not 200\n  broker.home did not answer"],
        },
        "changes": [{"field": "cores", "old": "1", "new": "2", "entails": "restart"}],
        "changes_link": "/main/config/pulls/1",
    },
    {"name": "apache", "id": 113, "hostname": "apache", "status": "stopped", "address": "10.143.0.13", "node": "pve",
     "revision": "0123456789abcdef"},
]  # fmt: skip
LOG = [
    "\x1b[1mnox > Running session plan\x1b[0m",
    "broker   memory 512 → 1024 MiB",
    "proxy    cores 1 → 2  \x1b[33mrestart\x1b[0m",
    "\x1b[32mnox > Session plan was successful.\x1b[0m",
]
ERRORS = [
    "nox > Running session deploy",
    "broker   \x1b[32mconverged\x1b[0m  14 resources, 2 changed",
    "proxy    \x1b[31;1mfailed\x1b[0m  test_serves_every_host",
    "<b>not bold</b> & <script>alert(1)</script>",
    "\x1b[31mnox > Session deploy failed.\x1b[0m",
]


@dataclass(frozen=True, slots=True)
class World:
    """What the tests stand on. ``run`` failed, ``running`` is under way."""

    served: Served
    run: int
    running: int

    @property
    def url(self) -> str:
        """Where the forge answers."""
        return self.served.url


class Client:
    """The API as the administrator."""

    def __init__(self, served: Served) -> None:
        self._auth = (served.admin, served.password.reveal())
        self._base = served.url

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """An answer that went well."""
        answer = requests.request(method, f"{self._base}/api/v1{path}", json=body, auth=self._auth, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def commit(self, repository: str, files: dict[str, str], message: str, branch: str = "main", new: str = "") -> None:
        """A commit with these files, on a new branch when ``new`` names one."""
        import base64

        changes = [
            {"operation": "upload", "path": path, "content": base64.b64encode(text.encode()).decode()}
            for path, text in files.items()
        ]
        body = {"files": changes, "message": message, "branch": branch, **({"new_branch": new} if new else {})}
        self.call("POST", f"/repos/{repository}/contents", body)

    def publish(self, path: str, document: Any) -> None:
        """Give the pages something to show."""
        address = f"{self._base}/api/gitops/{path}"
        requests.put(address, json=document, auth=self._auth, timeout=30).raise_for_status()


def build(served: Served) -> World:
    """Fill the forge."""
    client = Client(served)
    for name in ("main", "stage", "tasks"):
        client.call("POST", "/orgs", {"username": name})
    for name, words in (("config", "The control plane"), ("broker", "MQTT broker"), ("proxy", "Reverse proxy")):
        client.call("POST", "/orgs/main/repos", {"name": name, "description": words, "default_branch": "main"})
    _config(client)
    for name in ("broker", "proxy"):
        files = {"config.env": "ID=111\nIP=10.143.0.11\n", "recipes/default.rb": "package 'mosquitto'\n"}
        client.commit(f"main/{name}", files, f"Describe {name}")
    client.call("POST", "/orgs/main/actions/variables/DOMAIN", {"value": "home.example"})
    client.publish("containers", {"target": "10.143.0.1:8006", "containers": CONTAINERS})
    failed, running = _runs(served, client)
    _tasks(served, client)
    _accepted(client)
    client.publish(f"reports/{deploy.RUN}", {"html": deploy.report_page(), "run": failed})
    return World(served, failed, running)


def _accepted(client: Client) -> None:
    """A pull request that was merged and deployed, in part."""
    client.commit("main/proxy", {"config.env": "ID=112\nIP=10.143.0.12\nCORES=2\n"}, "Add a core", new="cores")
    pull = {"title": "Give the proxy a second core", "head": "cores", "base": "main", "body": ""}
    sha = client.call("POST", "/repos/main/proxy/pulls", pull)["head"]["sha"]
    client.call("POST", "/repos/main/proxy/issues/1/comments", {"body": deploy.plan_comment(sha)})
    client.call("POST", "/repos/main/proxy/pulls/1/merge", {"Do": "merge", "head_commit_id": sha})
    merged = client.call("GET", "/repos/main/proxy/pulls/1")["merge_commit_sha"]
    failed = {"context": "gitops/deploy", "state": "failure", "description": "failed: proxy"}
    client.call("POST", f"/repos/main/proxy/statuses/{merged}", {**failed, "target_url": deploy.REPORT})
    body = deploy.result_comment(sha, deploy.REPORT)
    client.call("POST", "/repos/main/proxy/issues/1/comments", {"body": body})


def _tasks(served: Served, client: Client) -> None:
    """The tasks; one has run."""
    for name, words, cron in TASKS:
        client.call("POST", "/orgs/tasks/repos", {"name": name, "description": words, "default_branch": "main"})
        schedule = f"\n  schedule:\n    - cron: '{cron}'" if cron else ""
        text = TASK.format(title=name.title(), name=name, schedule=schedule)
        client.commit(f"tasks/{name}", {f".gitea/workflows/{name}.yml": text}, "Lay down the task")
    client.call("POST", "/repos/tasks/health/actions/workflows/health.yml/dispatches", {"ref": "main"})
    ended = {"status": "completed", "conclusion": "success"}
    key = served.forge.db.value("SELECT max(id) FROM run")
    now = clock.now()
    served.forge.db.update("run", key, created=now - 4300, started=now - 4300, ended=now - 4288, **ended)
    for job in actions.jobs(served.forge.db, key):
        served.forge.db.update("job", job.id, started=now - 4300, ended=now - 4288, **ended)


def _config(client: Client) -> None:
    files = {
        "README.md": README,
        "config.env": "ID=110\nIP=10.143.0.10\nCORES=2\nMEMORY=1024\n",
        "noxfile.py": '"""Sessions."""\n\nimport nox\n\n\n@nox.session\ndef plan(session):\n    session.run("true")\n',
        "libs/proxy/config.env": "ID=112\nIP=10.143.0.12\nCORES=1\nMEMORY=512\n",
    }
    client.commit("main/config", files, "Describe the control plane")
    client.call("POST", "/repos/main/config/branches", {"new_branch_name": "release", "old_ref_name": "main"})
    client.call("POST", "/repos/main/config/branches", {"new_branch_name": "snapshot", "old_ref_name": "main"})
    client.commit("main/config", {".gitea/workflows/deploy.yml": WORKFLOW}, "Add the deploy workflow")
    changed = {"libs/proxy/config.env": "ID=112\nIP=10.143.0.12\nCORES=2\nMEMORY=512\n"}
    client.commit("main/config", changed, "Give the proxy a second core\n\nIt spends its time on TLS.")
    body = "Deploys **main** to Proxmox VE. Look at the plan, then merge."
    pull = {"title": "Release Pull Request", "head": "main", "base": "release", "body": body}
    found = client.call("POST", "/repos/main/config/pulls", pull)
    sha = found["head"]["sha"]
    client.call("POST", "/repos/main/config/issues/1/comments", {"body": deploy.plan_comment(sha)})
    client.call(
        "POST", "/repos/main/config/issues/1/comments", {"body": "Memory of `broker` doubles: **fine** with me."}
    )
    for context, state, words in (
        ("gitops/plan", "success", "1 change in place, 1 change needs restart, 1 create, 1 unchanged"),
        ("check / files", "success", "Successful in 4s"),
    ):
        details = {"context": context, "state": state, "description": words, "target_url": ""}
        client.call("POST", f"/repos/main/config/statuses/{sha}", details)


def _runs(served: Served, client: Client) -> tuple[int, int]:
    """One run that failed and one that is under way."""
    forge, found = served.forge, []
    for _ in range(2):
        client.call("POST", "/repos/main/config/actions/workflows/deploy.yml/dispatches", {"ref": "main"})
        found.append(int(forge.db.value("SELECT max(id) FROM run")))
    now = clock.now()
    for key, over in zip(found, (True, False), strict=True):
        job = actions.jobs(forge.db, key)[0]
        job_logs.append(forge, job, 0, [*LOG, *(ERRORS if over else ERRORS[:2])])
        ended = {"status": "completed", "conclusion": "failure", "ended": now - 40} if over else {"status": "running"}
        forge.db.update("job", job.id, started=now - 95, **ended)
        forge.db.update("run", key, started=now - 95, **ended)
        sql = "UPDATE step SET status = ?, conclusion = ?, started = ?, ended = ?, first_line = ? "
        sql += "WHERE job_id = ? AND number = ?"
        first, second = [row[0] for row in forge.db.connection.execute(
            "SELECT number FROM step WHERE job_id = ? ORDER BY number", (job.id,))]  # fmt: skip
        forge.db.run(sql, "completed", "success", now - 95, now - 80, 0, job.id, first)
        last = ("completed", "failure", now - 80, now - 40) if over else ("running", None, now - 80, None)
        forge.db.run(sql, *last, len(LOG), job.id, second)
    return found[0], found[1]


def as_text(value: Any) -> str:
    """For messages of failed assertions."""
    return json.dumps(value, indent=1)
