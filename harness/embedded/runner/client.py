"""The runner's door to the forge: ``protocol`` over one kept connection."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.embedded.runner.protocol import PREFIX
from harness.kit.errors import HarnessError, UnreachableError, UsageError

_ANSWER_SECONDS = 20.0
_GONE = (404, 409)
_PASSING = (408, 429)


class ForgeAwayError(UnreachableError):
    """The forge does not answer, or not sensibly; trying again later may help."""


class RefusedError(HarnessError):
    """The forge does not accept the runner or what it says."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"the forge answered {status}: {words}")
        self.status = status


class TaskGoneError(RefusedError):
    """The task is not this runner's any more."""


class Client:
    """For one thread. ``token`` is the runner's own, empty before it has registered."""

    def __init__(self, forge: str, token: str = "", ca: Path | None = None) -> None:
        self._parts = urlsplit(forge)
        if self._parts.scheme not in ("http", "https") or not self._parts.hostname:
            raise UsageError(f"{forge}: not an address such as http://127.0.0.1:8080")
        self._token = token
        self._context = ssl.create_default_context(cafile=ca) if self._parts.scheme == "https" else None
        self._connection: http.client.HTTPConnection | None = None
        self.aborted = threading.Event()

    def register(self, token: str, name: str, labels: Sequence[str], *, untrusted: bool) -> tuple[int, str]:
        """The runner's number and its own token."""
        body = {"token": token, "name": name, "labels": list(labels), "untrusted": untrusted}
        found = self._call("register", body)
        return int(found["id"]), str(found["token"])

    def next(self, running: Sequence[int], wait: float) -> Mapping[str, Any] | None:
        """A job, or ``None`` after ``wait`` seconds; the forge takes back what this runner lost of what it gave."""
        found = self._call(f"jobs/next?wait={wait:g}", {"running": list(running)}, wait + _ANSWER_SECONDS)
        return found or None

    def log(self, job: int, at: int, lines: Sequence[str]) -> tuple[int, bool]:
        """Tell lines; how many the forge has then, and whether the job is to be cancelled."""
        found = self._call(f"jobs/{job}/log", {"at": at, "lines": list(lines)})
        return int(found["lines"]), bool(found["cancel"])

    def step(self, job: int, number: int, status: str, conclusion: str | None) -> bool:
        """Tell of a step; whether the job is to be cancelled."""
        found = self._call(f"jobs/{job}/steps/{number}", {"status": status, "conclusion": conclusion})
        return bool(found["cancel"])

    def heartbeat(self, job: int) -> bool:
        """Tell that the job still runs; whether it is to be cancelled."""
        return bool(self._call(f"jobs/{job}/heartbeat", {})["cancel"])

    def done(self, job: int, conclusion: str) -> None:
        """Tell the end."""
        self._call(f"jobs/{job}/done", {"conclusion": conclusion})

    def give_back(self, job: int, reason: str) -> None:
        """Tell that the job was interrupted; the forge offers it again."""
        self._call(f"jobs/{job}/return", {"reason": reason})

    def abort(self) -> None:
        """From another thread: let the call that is waiting fail with ``ForgeAwayError``, now."""
        self.aborted.set()
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with contextlib.suppress(OSError):  # closed in the same moment
                connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the connection up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _call(self, path: str, body: Mapping[str, Any], timeout: float = _ANSWER_SECONDS) -> dict[str, Any]:
        """One call; a kept connection that the forge has closed meanwhile is opened anew once."""
        reused = self._connection is not None
        try:
            return self._answer(path, body, timeout)
        except (OSError, http.client.HTTPException) as first:
            self.close()
            if not reused or self.aborted.is_set() or isinstance(first, TimeoutError):
                raise ForgeAwayError(f"the forge does not answer: {first}") from first
        try:
            return self._answer(path, body, timeout)
        except (OSError, http.client.HTTPException) as again:
            self.close()
            raise ForgeAwayError(f"the forge does not answer: {again}") from again

    def _answer(self, path: str, body: Mapping[str, Any], timeout: float) -> dict[str, Any]:
        connection = self._open(timeout)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}
        address = f"{self._parts.path.rstrip('/')}{PREFIX}/{path}"
        connection.request("POST", address, json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"), headers)
        answer = connection.getresponse()
        return _read(answer.status, answer.read())

    def _open(self, timeout: float) -> http.client.HTTPConnection:
        if self._connection is None:
            host, port = str(self._parts.hostname), self._parts.port
            if self._context is None:
                self._connection = http.client.HTTPConnection(host, port)
            else:
                self._connection = http.client.HTTPSConnection(host, port, context=self._context)
        self._connection.timeout = timeout
        if self._connection.sock is not None:
            self._connection.sock.settimeout(timeout)
        return self._connection


def _read(status: int, raw: bytes) -> dict[str, Any]:
    if status >= 500 or status in _PASSING:
        raise ForgeAwayError(f"the forge answered {status}")
    if status >= 400:
        kind = TaskGoneError if status in _GONE else RefusedError
        raise kind(status, raw.decode(errors="replace").strip()[:200])
    try:
        found = json.loads(raw) if raw else {}
    except ValueError as wrong:
        raise ForgeAwayError("the forge's answer is not JSON") from wrong
    if not isinstance(found, dict):
        raise ForgeAwayError("the forge's answer is not a JSON object")
    return found
