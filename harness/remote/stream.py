"""A program whose output is handed on line by line while it runs."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from typing import IO

from harness.kit import process
from harness.kit.process import Completed

_TIMED_OUT = 124


def run_streaming(
    argv: Sequence[str], *, stdin: bytes, timeout: float | None, on_line: Callable[[str], None]
) -> Completed:
    """Like ``process.run`` without a check; ``on_line`` gets every line of both outputs, one call at a time."""
    started = time.monotonic()
    running = process.spawn(argv, stderr=subprocess.PIPE)
    collector = _Collector(on_line)
    threads = [
        threading.Thread(target=_feed, args=(running.stdin, stdin), daemon=True),
        threading.Thread(target=collector.read, args=(running.stdout, collector.out), daemon=True),
        threading.Thread(target=collector.read, args=(running.stderr, collector.err), daemon=True),
    ]
    for thread in threads:
        thread.start()
    code = _wait(running, timeout)
    for thread in threads:
        thread.join()
    collector.rethrow()
    return Completed(tuple(argv), code, b"".join(collector.out), b"".join(collector.err), time.monotonic() - started)


class _Collector:
    def __init__(self, on_line: Callable[[str], None]) -> None:
        self.out: list[bytes] = []
        self.err: list[bytes] = []
        self._on_line = on_line
        self._lock = threading.Lock()
        self._raised: Exception | None = None

    def read(self, stream: IO[bytes], kept: list[bytes]) -> None:
        with stream:
            for line in stream:
                kept.append(line)
                self._hand_on(line.decode(errors="replace").rstrip("\r\n"))

    def _hand_on(self, line: str) -> None:
        """The listener's exception must not stop the reading, or the program would block on a full pipe."""
        with self._lock:
            try:
                self._on_line(line)
            except Exception as error:
                self._raised = self._raised or error

    def rethrow(self) -> None:
        if self._raised is not None:
            raise self._raised


def _feed(stream: IO[bytes], data: bytes) -> None:
    try:
        with stream:
            stream.write(data)
    except BrokenPipeError:
        return  # the program ended without reading it all; its code tells whether that was right


def _wait(running: subprocess.Popen[bytes], timeout: float | None) -> int:
    try:
        return running.wait(timeout)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()
        return _TIMED_OUT
    except BaseException:
        running.kill()
        running.wait()
        raise
