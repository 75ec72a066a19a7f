"""Version order and rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.converge.versions import Rule, newest, parse
from harness.kit.errors import UsageError

numbers = st.tuples(*[st.integers(0, 300)] * 3)


@given(numbers, numbers)
def test_versions_order_as_their_numbers_do(one: tuple[int, int, int], other: tuple[int, int, int]) -> None:
    first, second = parse(".".join(map(str, one))), parse(".".join(map(str, other)))
    assert first is not None
    assert second is not None
    assert (first < second) == (one < other)


def test_the_order_of_semver_org_item_11_holds() -> None:
    texts = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0"]
    versions = [version for version in map(parse, texts) if version]
    assert versions == sorted(versions)
    assert len(versions) == len(texts)


def test_the_newest_is_not_found_by_sorting_strings() -> None:
    assert newest(["18.9.1", "18.10.17", "18.2.7", "junk"], Rule("18")) == "18.10.17"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("18", "18.10.3"),
        ("18.4", "18.4.12"),
        ("~> 18.4", "18.10.3"),
        ("~> 18.4.2", "18.4.12"),
        ("19.0.1-rc.1", "19.0.1-rc.1"),
        ("17", None),
    ],
)
def test_a_rule_allows_what_it_says(rule: str, expected: str | None) -> None:
    offered = ["18.4.2", "18.4.12", "18.10.3", "19.0.1-rc.1", "20.1.0-beta"]
    assert newest(offered, Rule(rule)) == expected


def test_a_rule_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="no version rule"):
        newest(["18.0.0"], Rule("newest please"))
