"""For every test of the project."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from harness.kit import secret


def pytest_configure() -> None:
    """Programs that tests interrupt must hear it: a background job of a shell hands down an ignored SIGINT."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def secrets_of_its_own() -> Iterator[None]:
    """What one test calls a secret is not masked in the output of the next."""
    before = set(secret._known)
    yield
    secret._known.intersection_update(before)
