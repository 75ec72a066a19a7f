"""Durations and numbers as people read them."""

from __future__ import annotations

import pytest

from harness.lifecycle.report import words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0 ms"),
        (0.0123, "12 ms"),
        (0.0999, "0.1 s"),
        (12.34, "12.3 s"),
        (99.94, "99.9 s"),
        (99.96, "1 min 40 s"),
        (125.2, "2 min 05 s"),
    ],
)
def test_a_duration_is_as_exact_as_it_needs_to_be(value: float, text: str) -> None:
    assert words.seconds(value) == text


def test_one_is_singular() -> None:
    assert (words.count(1, "spec"), words.count(2, "spec"), words.count(0, "entry", "entries")) == (
        "1 spec",
        "2 specs",
        "0 entries",
    )
