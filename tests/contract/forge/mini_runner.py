"""A runner that knows only what the protocol's docstring says: registers, takes jobs, runs steps by sh, reports."""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
import urllib.request
from pathlib import Path
from typing import Any


def ask(url: str, token: str, body: dict[str, Any]) -> tuple[int, Any]:
    """POST ``body``; the status and the parsed answer."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="POST")
    with urllib.request.urlopen(request, timeout=60) as response:
        data = response.read()
        return response.status, json.loads(data) if data else None


class MiniRunner:
    """Runs jobs one after the other until stopped."""

    def __init__(self, base: str, registration: str, name: str, labels: list[str], *, untrusted: bool = False) -> None:
        self.base = f"{base}/api/runner/v1"
        body = {"token": registration, "name": name, "labels": labels, "untrusted": untrusted}
        _, made = ask(f"{self.base}/register", "", body)
        self.token = made["token"]
        self.stopping = threading.Event()
        self.jobs: list[dict[str, Any]] = []
        self.thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> MiniRunner:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.thread.join(10)

    def _work(self) -> None:
        while not self.stopping.is_set():
            try:
                status, job = ask(f"{self.base}/jobs/next?wait=1", self.token, {})
            except OSError:
                return
            if status == 200:
                self.jobs.append(job)
                self.run(job)

    def run(self, job: dict[str, Any]) -> None:
        """Run every step of a job that its state asks for."""
        at, state = 0, "success"
        with tempfile.TemporaryDirectory() as workspace:
            for step in job["steps"]:
                where = f"{self.base}/jobs/{job['id']}/steps/{step['number']}"
                if not step["runs_after"][state]:
                    ask(where, self.token, {"status": "completed", "conclusion": "skipped"})
                    continue
                ask(where, self.token, {"status": "running"})
                good, lines = _run_step(job, step, workspace)
                ask(f"{self.base}/jobs/{job['id']}/log", self.token, {"at": at, "lines": lines})
                at += len(lines)
                ask(where, self.token, {"status": "completed", "conclusion": "success" if good else "failure"})
                state = state if good or step["continue_on_error"] else "failure"
        ask(f"{self.base}/jobs/{job['id']}/done", self.token, {"conclusion": state})


def _run_step(job: dict[str, Any], step: dict[str, Any], workspace: str) -> tuple[bool, list[str]]:
    env = {"PATH": "/usr/bin:/bin", "GITHUB_WORKSPACE": workspace, **job["env"], **step["env"]}
    where = Path(workspace, step["working_directory"])
    done = subprocess.run(
        [step["shell"], "-e", "-c", step["run"]], cwd=where, env=env, capture_output=True, text=True, check=False
    )
    return done.returncode == 0, (done.stdout + done.stderr).splitlines()
