"""What a job prints becomes lines that no secret is in."""

from __future__ import annotations

import base64

import pytest

from harness.embedded.runner.lines import LONGEST, Lines
from harness.embedded.runner.masks import MASK, Masks

SECRET = "s3cret-Value/1"


def _lines(*chunks: bytes, masks: Masks | None = None) -> list[str]:
    found: list[str] = []
    lines = Lines(masks or Masks([SECRET]), found.extend)
    for chunk in chunks:
        lines.feed(chunk)
    lines.end()
    return found


def test_lines_are_put_together_from_pieces() -> None:
    assert _lines(b"on", b"e\ntw", "ö".encode()[:1], "ö".encode()[1:], b"\nrest") == ["one", "twö", "rest"]


def test_line_ends_of_other_systems_and_progress_bars() -> None:
    assert _lines(b"dos\r\n10%\r20%\rdone\n", b"\xff\0\n") == ["dos", "done", "�"]


@pytest.mark.parametrize("shift", [b"", b"x", b"xy"])
def test_secret_is_masked_within_base64(shift: bytes) -> None:
    coded = base64.b64encode(shift + SECRET.encode() + b"tail").decode()
    [line] = _lines(coded.encode())
    assert MASK in line
    assert coded[4:-8] not in line


@pytest.mark.parametrize("shown", [SECRET, "s3cret-Value%2F1", f"http://u:{SECRET}@host/"])
def test_secret_is_masked_plain_and_quoted(shown: str) -> None:
    [line] = _lines(f"a {shown} b".encode())
    assert "s3cret" not in line
    assert line.startswith(("a *", "a http"))


def test_secret_across_reads_is_masked() -> None:
    assert _lines(b"a s3cret", b"-Value/1 b\n") == [f"a {MASK} b"]


def test_each_line_of_a_long_secret_is_masked() -> None:
    key = "-----BEGIN-----\nAAAABBBB\nCCCC\n-----END-----\n"
    assert _lines(b"AAAABBBB\n  CCCC\n", masks=Masks([key])) == [MASK, f"  {MASK}"]


def test_longer_secret_wins_over_one_that_it_contains() -> None:
    assert _lines(b"abcdef abc", masks=Masks(["abc", "abcdef"])) == [f"{MASK} {MASK}"]


def test_short_values_are_left_alone() -> None:
    assert _lines(b"a b c", masks=Masks(["b", ""])) == ["a b c"]


def test_masks_can_be_added_by_the_job() -> None:
    assert _lines(b"::add-mask::to%25day\nit is to%day\n") == [f"::add-mask::{MASK}", f"it is {MASK}"]


def test_endless_line_is_cut_and_never_within_a_secret() -> None:
    before = "x" * (LONGEST - 4)
    found = _lines(f"{before}{SECRET}{before}\n".encode())
    assert len(found) > 1
    assert max(map(len, found)) <= LONGEST
    assert "".join(found) == f"{before}{MASK}{before}"
