"""The dotenv grammar."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config import dotenv

SHOWN = Path("libs/a/config.env")


def value_of(line: str) -> str:
    parsed = dotenv.parse(line, SHOWN)
    assert parsed.problems == ()
    (assignment,) = parsed.assignments
    assert assignment.key == "KEY"
    return assignment.value


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("KEY=value", "value"),
        ("KEY=", ""),
        ("KEY=''", ""),
        ("  KEY = value  ", "value"),
        ("export KEY=value", "value"),
        ("KEY=value # a comment", "value"),
        ("KEY=value#no comment", "value#no comment"),
        ("KEY=#comment", ""),
        ("KEY=a b", "a b"),
        ("KEY='a # b'  # comment", "a # b"),
        (r"KEY='a\nb'", r"a\nb"),
        (r'KEY="a\nb"', "a\nb"),
        (r'KEY="say \"hi\" for \$5 \\ now"', 'say "hi" for $5 \\ now'),
        ("KEY=a=b", "a=b"),
        ("KEY=value\r", "value"),
        ("\ufeffKEY=value", "value"),
    ],
)
def test_a_value_is_read(line: str, value: str, tmp_path: Path) -> None:
    path = tmp_path / "config.env"
    path.write_text(line, newline="")
    parsed = dotenv.read(path)
    assert [assignment.value for assignment in parsed.assignments] == [value]
    assert parsed.problems == ()


@pytest.mark.parametrize("text", ["$HOME", "${HOME}", "$(touch /tmp/x)", "`id`", "~", "a;b", "*"])
def test_nothing_is_expanded_or_executed(text: str) -> None:
    assert value_of(f"KEY={text}") == text
    assert value_of(f'KEY="{text}"') == text


def test_lines_are_counted_over_comments_and_blanks() -> None:
    parsed = dotenv.parse("# one\n\nA=1\n  # four\nB=2", SHOWN)
    assert [(assignment.key, assignment.line) for assignment in parsed.assignments] == [("A", 3), ("B", 5)]


def test_every_malformed_line_is_reported() -> None:
    parsed = dotenv.parse("1A=x\nA='x\nB='x' y\nC\n", SHOWN)
    assert [problem.line for problem in parsed.problems] == [1, 2, 3, 4]
    assert parsed.assignments == ()


def test_a_key_set_twice_names_both_lines() -> None:
    (problem,) = dotenv.parse("A=1\nB=2\nA=3\n", SHOWN).problems
    assert problem.line == 3
    assert "line 1" in problem.rule


def test_bytes_that_are_no_text_are_reported_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "config.env"
    path.write_bytes(b"A=1\nB=\xff\n")
    (problem,) = dotenv.read(path, SHOWN).problems
    assert (problem.file, problem.line) == (SHOWN, 2)


def test_an_unreadable_file_is_a_problem_not_a_crash(tmp_path: Path) -> None:
    (problem,) = dotenv.read(tmp_path, SHOWN).problems
    assert problem.found == "cannot be read"


@given(st.text(st.characters(exclude_characters="\n\r'", exclude_categories=["Cs"])))
def test_single_quotes_keep_any_text(text: str) -> None:
    assert value_of(f"KEY='{text}'") == text


@given(st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"])))
def test_double_quotes_with_escapes_keep_any_text(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    assert value_of(f'KEY="{escaped}"') == text


@given(st.text(max_size=60))
def test_no_text_breaks_the_parser(text: str) -> None:
    parsed = dotenv.parse(text, SHOWN)
    lines = text.count("\n") + 1
    assert all(1 <= assignment.line <= lines for assignment in parsed.assignments)
    assert all(1 <= (problem.line or 0) <= lines for problem in parsed.problems)
