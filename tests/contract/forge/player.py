"""Plays a recorded scenario against a server and gives what it answered, in the form of the recording."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import http.server
import json
import os
import random
import re
import string
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from tests.contract.forge.masking import Masker

Step = dict[str, Any]
_HEADERS = (
    "content-type", "link", "x-total-count", "location", "www-authenticate", "content-disposition", "allow",
    "x-hasmore", "retry-after",
)  # fmt: skip
_HOOK_HEADERS = (
    "x-gitea-event", "x-gitea-event-type", "x-github-event", "x-gogs-event", "content-type",
    "x-gitea-hook-installation-target-type",
)  # fmt: skip
_PROGRESS = re.compile(r"Processing|Resolving|Processed|Counting|Compressing|\.")
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


class Listener:
    """Takes webhook deliveries on the loopback interface; paths with ``fail`` are answered 500."""

    def __init__(self) -> None:
        self.arrived: list[tuple[str, dict[str, str], bytes]] = []
        self.changed = threading.Condition()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        listener = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                with listener.changed:
                    listener.arrived.append((self.path, headers, body))
                    listener.changed.notify_all()
                self.send_response(500 if "fail" in self.path else 200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler

    def take(self, path: str, count: int, seconds: float) -> list[tuple[str, dict[str, str], bytes]]:
        """The deliveries to ``path`` when there are ``count``, or fewer when the time is over."""

        def mine() -> list[tuple[str, dict[str, str], bytes]]:
            return [one for one in self.arrived if one[0] == path]

        with self.changed:
            self.changed.wait_for(lambda: len(mine()) >= count, seconds)
            self.changed.wait_for(lambda: len(mine()) > count, 0.3)  # one too many shows as well
            found = mine()
            self.arrived = [one for one in self.arrived if one[0] != path]
        return found

    def close(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()


class Player:
    """One play of one scenario: what was captured, and working copies by repository."""

    def __init__(self, base: str, admin: str, password: str, listener: Listener, scratch: Path) -> None:
        self.base, self.listener, self.scratch = base, listener, scratch
        new = "".join(random.choices(string.ascii_lowercase, k=6))
        self.values: dict[str, Any] = {
            "x": new, "base": base, "admin": admin, "password": password, "hook": listener.url,
            "host": base.split("//")[1],
        }  # fmt: skip
        self.tick = 0
        self.heard: list[tuple[str, str, int, Any]] = []
        """Every JSON answer as it came: method, path, status, value."""

    def play(self, step: Step) -> Step:
        """Do one step; its answer, masked."""
        played: Step = getattr(self, f"_{step['kind']}")(step)
        return played

    def _fill(self, value: Any) -> Any:
        if isinstance(value, str):
            return _PLACEHOLDER.sub(lambda found: str(self.values.get(found[1], f"missing-{found[1]}")), value)
        if isinstance(value, list):
            return [self._fill(held) for held in value]
        if isinstance(value, dict):
            return {self._fill(name): self._fill(held) for name, held in value.items()}
        return value

    def _sleep(self, step: Step) -> Step:
        """What Gitea needs time for is done here when the request is answered; a real one gets its pause."""
        if "FORGE_URL" in os.environ:
            time.sleep(step["seconds"])
        return {"ok": True}

    # HTTP

    def _http(self, step: Step) -> Step:
        body, headers = None, self._credentials(step.get("auth", "admin"))
        if "body" in step:
            body, headers["Content-Type"] = json.dumps(self._fill(step["body"])).encode(), "application/json"
        if "raw" in step:
            body = self._fill(step["raw"]).encode()
        headers |= self._fill(step.get("headers", {}))
        end = time.monotonic() + step.get("seconds", 20)
        while True:
            status, got, data = self._ask(step["method"], self._fill(step["path"]), headers, body)
            parsed, value = _parse(got.get("content-type", ""), data)
            if "until" not in step or _at(value, step["until"][0]) in step["until"][1] or time.monotonic() > end:
                break
            time.sleep(0.1)
        if parsed:
            self.heard.append((step["method"], self._fill(step["path"]), status, value))
        for name, path in step.get("capture", {}).items():
            found = _at(value, path)
            if found is not None:
                self.values[name] = found
        return self._answer(step, status, got, (parsed, value, data))

    def _answer(self, step: Step, status: int, got: Mapping[str, str], body: tuple[bool, Any, bytes]) -> Step:
        parsed, value, data = body
        masker, kind = Masker(self.values), got.get("content-type", "").split(";")[0].strip()
        response: Any
        if step["method"] == "HEAD" or not data:
            response = None
        elif parsed:
            response = {"json": None} if value is None else masker.value(value)
        elif kind == "text/html":
            response = "<html>"
        elif step.get("binary") or kind not in {"text/plain", "text/css", ""}:
            response = "<data>"
        else:
            response = masker.text(data.decode("utf-8", "replace"))[:4000]
        shown = {name: masker.text(got[name]) for name in _HEADERS if name in got}
        return {"status": status, "headers": shown, "response": response}

    def _credentials(self, how: str) -> dict[str, str]:
        if how == "none":
            return {}
        kind, _, rest = self._fill("basic:{{admin}}:{{password}}" if how == "admin" else how).partition(":")
        if kind == "basic":
            return {"Authorization": "Basic " + base64.b64encode(rest.encode()).decode()}
        return {"Authorization": f"{kind} {rest}"}

    def _ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, dict[str, str], bytes]:
        url = urlsplit(self.base)
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        connection = kind(url.hostname or "", url.port, timeout=60)
        try:
            connection.putrequest(method, url.path.rstrip("/") + path, skip_accept_encoding=True)
            for name, value in ({"Content-Length": str(len(body))} if body is not None else {}).items():
                connection.putheader(name, value)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    # git

    def _run(self, where: Path, *argv: str) -> subprocess.CompletedProcess[str]:
        date = f"2026-01-02T03:04:{self.tick:02d}Z"
        env = {"PATH": os.environ["PATH"], "HOME": str(self.scratch), "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
        for role in ("AUTHOR", "COMMITTER"):
            env |= {
                f"GIT_{role}_NAME": "Ann", f"GIT_{role}_EMAIL": "ann@example.com", f"GIT_{role}_DATE": date,
            }  # fmt: skip
        env["GIT_CONFIG_NOSYSTEM"] = "1"
        return subprocess.run(["git", *argv], cwd=where, env=env, capture_output=True, text=True, check=False)

    def _git(self, step: Step) -> Step:
        self.tick += 1
        repository, who = self._fill(step["repo"]), self._fill(step.get("as", "{{admin}}:{{password}}"))
        login = "" if who == "none" else quote(who, safe=":") + "@"
        url = self.base.replace("//", f"//{login}", 1) + f"/{repository}.git"
        if step.get("clone"):
            return self._clone(step, url)
        work = self.scratch / repository.replace("/", "+")
        if not work.is_dir():
            work.mkdir()
            self._run(work, "init", "-q", "-b", "main")
        self._check_out(step, work, url)
        self._commit(step, work)
        if "capture" in step:
            self.values[step["capture"]] = self._run(work, "rev-parse", "HEAD").stdout.strip()
        return {"ok": True} if step.get("push") is False else self._push(step, work, url)

    def _clone(self, step: Step, url: str) -> Step:
        target = self.scratch / f"clone-{self.tick}"
        good = self._run(self.scratch, "clone", "-q", *step.get("args", []), url, str(target)).returncode == 0
        if not good:
            return {"ok": False, "files": {}, "head": None}
        lines = self._run(target, "ls-files", "-s").stdout.splitlines()
        files = {line.split("\t")[1]: line.split(" ", 1)[0] for line in lines}
        return {"ok": True, "files": files, "head": self._run(target, "symbolic-ref", "-q", "HEAD").stdout.strip()}

    def _check_out(self, step: Step, work: Path, url: str) -> None:
        branch = step.get("branch")
        if step.get("fetch"):
            self._run(work, "fetch", "-q", url, "+refs/heads/*:refs/remotes/o/*")
            self._run(work, "checkout", "-q", "-B", step["branch"], f"refs/remotes/o/{step['fetch']}")
        elif step.get("start"):
            self._run(work, "checkout", "-q", "-B", step["branch"], step["start"])
        elif branch:
            known = self._run(work, "rev-parse", "-q", "--verify", branch).returncode == 0
            self._run(work, "checkout", "-q", *([] if known else ["-b"]), branch)

    def _commit(self, step: Step, work: Path) -> None:
        for name, text in self._fill(step.get("files", {})).items():
            path = work / name
            if text is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        if "files" in step:
            self._run(work, "add", "-A")
            amend = ["--amend"] if step.get("amend") else []
            self._run(work, "commit", "-q", *amend, "-m", step.get("message", "change"))
        if "tag" in step:
            annotated = ["-a", "-m", step["tag"]] if step.get("annotated") else []
            self._run(work, "tag", *annotated, step["tag"])

    def _push(self, step: Step, work: Path, url: str) -> Step:
        refs = [self._fill(ref) for ref in step.get("refs", [step.get("branch", "main")])]
        how = "-q" if step.get("quiet") else "--porcelain"
        done = self._run(work, "push", how, *step.get("args", []), url, *refs)
        masker = Masker(self.values)
        said = [masker.text(line.strip()) for line in re.findall(r"^remote:(.*)$", done.stderr, re.M)]
        return {"ok": done.returncode == 0, "remote": [line for line in said if line and not _PROGRESS.match(line)]}

    # Webhooks

    def _hook(self, step: Step) -> Step:
        secret, masker = self._fill(step.get("secret", "")).encode(), Masker(self.values)
        found = self.listener.take(self._fill(step["path"]), step["count"], step.get("seconds", 15))
        shown = [_delivery(headers, body, secret, masker) for _, headers, body in found]
        return {"deliveries": sorted(shown, key=lambda one: (one.get("x-gitea-event-type", ""), repr(one)))}


def _delivery(headers: Mapping[str, str], body: bytes, secret: bytes, masker: Masker) -> Step:
    shown: Step = {name: masker.text(headers[name]) for name in _HOOK_HEADERS if name in headers}
    signed = hmac.new(secret, body, hashlib.sha256).hexdigest()
    for name, prefix in (("x-gitea-signature", ""), ("x-hub-signature-256", "sha256=")):
        value = headers.get(name)
        shown[name] = "absent" if value is None else "empty" if not value else "wrong"
        if value == prefix + signed:
            shown[name] = "right"
    shown["x-gitea-delivery"] = masker.text(headers.get("x-gitea-delivery", "absent"))
    shown["authorization"] = headers.get("authorization", "absent")
    raw = parse_qs(body.decode())["payload"][0].encode() if body.startswith(b"payload=") else body
    shown["body"] = masker.value(json.loads(raw))
    return shown


def _parse(kind: str, data: bytes) -> tuple[bool, Any]:
    if kind.partition(";")[0].strip().endswith("json") or data[:1] in {b"{", b"["}:
        try:
            return True, json.loads(data)
        except ValueError:
            return False, None
    return False, None


def _at(value: Any, path: str) -> Any:
    for part in path.split(".") if path else []:
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (KeyError, IndexError, TypeError, ValueError):
            return None
    return value
