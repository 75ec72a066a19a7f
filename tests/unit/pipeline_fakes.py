"""Stand-ins for the pipelines' tests."""

from __future__ import annotations

from typing import Any

from harness.forge.client import Forge
from harness.kit.errors import HarnessError


class Heard:
    """A forge's ear: what it heard, or the error that it answers everything with."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.said: list[str] = []
        self.error: HarnessError | None = None

    def __call__(self, forge: Forge, record: dict[str, Any]) -> None:
        if self.error is not None:
            raise self.error
        self.records.append(record)
