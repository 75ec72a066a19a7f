"""For every test of the project."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Programs that tests interrupt must hear it: a background job of a shell hands down an ignored SIGINT."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
