"""Delivers what is queued: signed, in order for each webhook, again when the receiver fails.

Headers as Gitea sends them (``X-Gitea-*`` with the same under ``X-GitHub-*`` and ``X-Gogs-*``).
"""

from __future__ import annotations

import hmac
import http.client
import ssl
import threading
import time
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from harness.embedded.forge.forge import Forge
from harness.embedded.forge.store.records import Delivery, Hook
from harness.embedded.forge.worker import Worker

PAUSES = (10.0, 60.0, 300.0, 1800.0)  # seconds before each further try
_TIMEOUT = 10.0
_IDLE = 5.0
_KEPT = 500  # finished deliveries that are remembered
_WORKERS = 3


def signature(secret: str, body: bytes, algorithm: str = "sha256") -> str:
    """Hex HMAC of the body; empty without a secret."""
    return hmac.new(secret.encode(), body, algorithm).hexdigest() if secret else ""


def request_body(hook: Hook, delivery: Delivery) -> tuple[bytes, str]:
    """The bytes and their content type."""
    if hook.content_type == "form":
        return urlencode({"payload": delivery.payload}).encode(), "application/x-www-form-urlencoded"
    return delivery.payload.encode(), "application/json"


def headers(hook: Hook, delivery: Delivery, body: bytes, content_type: str) -> dict[str, str]:
    """Everything that is sent before the body."""
    signed = signature(hook.secret, body)
    target = "repository" if hook.repo_id else "organization"
    found = {
        "Content-Type": content_type,
        "X-Hub-Signature": "sha1=" + signature(hook.secret, body, "sha1"),
        "X-Hub-Signature-256": "sha256=" + signed,
        "X-Gitea-Signature": signed,
        "X-Gogs-Signature": signed,
        "X-Gitea-Hook-Installation-Target-Type": target,
        "X-GitHub-Hook-Installation-Target-Type": target,
    }
    for brand in ("Gitea", "Gogs", "GitHub"):
        found[f"X-{brand}-Delivery"] = delivery.uuid
        found[f"X-{brand}-Event"] = delivery.event
        found[f"X-{brand}-Event-Type"] = delivery.event_type
    return {**found, **({"Authorization": hook.authorization} if hook.authorization else {})}


def send(hook: Hook, delivery: Delivery) -> int:
    """Send once; the status of the answer, or 0 when there was none. Redirects are not followed."""
    try:
        return _send(hook, delivery)
    except (OSError, http.client.HTTPException, ValueError):  # the last: an address with a port that is none
        return 0


def _send(hook: Hook, delivery: Delivery) -> int:
    url = urlsplit(hook.url)
    body, content_type = request_body(hook, delivery)
    connection = _connection(url.scheme, url.hostname or "", url.port)
    try:
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        connection.request("POST", path, body, headers(hook, delivery, body, content_type))
        return connection.getresponse().status
    finally:
        connection.close()


def _connection(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    if scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=_TIMEOUT, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, port, timeout=_TIMEOUT)


class Deliverer(Worker):
    """A few threads that empty the queue; one delivery of a webhook at a time."""

    def __init__(self, forge: Forge, transport: Callable[[Hook, Delivery], int] = send) -> None:
        super().__init__(forge, forge.deliveries, threads=_WORKERS)
        self._send = transport
        self._busy: set[int] = set()
        self._guard = threading.Lock()

    def _round(self) -> None:
        seen = self._forge.deliveries.count
        if not self.deliver_one():
            self._forge.deliveries.wait(seen, _IDLE)

    def deliver_one(self) -> bool:
        """Try the delivery that is due first; whether there was one."""
        taken = self._take()
        if taken is None:
            return False
        hook, delivery = taken
        try:
            self._note(delivery, self._send(hook, delivery))
        finally:
            with self._guard:
                self._busy.discard(hook.id)
            self._forge.deliveries.ring()
        return True

    def _take(self) -> tuple[Hook, Delivery] | None:
        sql = "SELECT * FROM delivery WHERE state = 'waiting' AND due <= ? ORDER BY id LIMIT 100"
        with self._guard:
            for delivery in self._forge.db.all(Delivery, sql, time.time()):
                hook = self._forge.db.one(Hook, "SELECT * FROM hook WHERE id = ?", delivery.hook_id)
                if hook and hook.id not in self._busy:
                    self._busy.add(hook.id)
                    return hook, delivery
        return None

    def _note(self, delivery: Delivery, status: int) -> None:
        attempts = delivery.attempts + 1
        good = 200 <= status < 300
        if good or attempts > len(PAUSES):
            state = "delivered" if good else "failed"
            self._forge.db.update("delivery", delivery.id, state=state, attempts=attempts, answer=status)
        else:
            due = time.time() + PAUSES[attempts - 1]
            self._forge.db.update("delivery", delivery.id, attempts=attempts, answer=status, due=due)
        sql = "DELETE FROM delivery WHERE state <> 'waiting' AND id < ?"
        self._forge.db.run(sql, delivery.id - _KEPT)
