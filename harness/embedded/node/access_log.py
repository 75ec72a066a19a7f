"""One line of JSON for each request: when, who, what, how it ended, how long it took."""

from __future__ import annotations

import json
import threading
import time
from typing import TextIO
from urllib.parse import urlsplit

from harness.embedded.node.application import Response


class AccessLog:
    """Writes to a stream; a query may hold secrets and is left out."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def write(self, peer: str, method: str, target: str, response: Response, began: float) -> None:
        """Add the line of one request that began at ``began`` (monotonic seconds)."""
        line = {
            "time": round(time.time(), 3),
            "peer": peer,
            "user": response.user,
            "method": method,
            "path": urlsplit(target).path,
            "status": response.status,
            "bytes": len(response.body or b""),
            "ms": round((time.monotonic() - began) * 1000, 1),
        }
        with self._lock:
            self._stream.write(json.dumps(line) + "\n")
            self._stream.flush()
