"""What is told to a forge that has no place for it."""

from __future__ import annotations

from typing import Any

import pytest

from harness.forge.errors import ForgeError
from harness.pipeline import tell

RECORD = {"kind": "containers", "document": {"version": 1}}


class Refusing:
    """A forge that answers everything with one status."""

    def __init__(self, status: int) -> None:
        self.status = status

    def put(self, path: str, body: Any) -> None:
        """Refuse."""
        raise ForgeError(f"PUT {path}", self.status, "no")


@pytest.mark.parametrize("status", [404, 405])
def test_a_forge_without_a_list_of_containers_is_told_nothing(status: int) -> None:
    assert tell.deliver(Refusing(status), dict(RECORD)) is None  # type: ignore[arg-type,func-returns-value]


def test_another_refusal_is_kept_to_be_told_later() -> None:
    with pytest.raises(ForgeError):
        tell.deliver(Refusing(500), dict(RECORD))  # type: ignore[arg-type]
