"""The stamp in a description: found again, replaced in place, and polite to what people wrote around it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.lifecycle import stamp
from harness.lifecycle.stamp import Stamp

TEXT = st.text(min_size=1)
STAMPS = st.builds(
    Stamp,
    monorepo=TEXT,
    container=TEXT,
    stage=st.none() | TEXT,
    revision=st.none() | TEXT,
    parts=st.dictionaries(TEXT, st.text()),
    commit=st.none() | TEXT,
)
PEOPLE = st.text(st.characters(exclude_categories=["Cs"]), max_size=200).filter(
    lambda text: "gitops-stamp:" not in text and "Managed from" not in text
)
OURS = Stamp("mr-0123456789abcdef", "broker", None, "aaaa000011112222", {"specs": "bb"}, "1a2b3c4d5e6f")


@given(STAMPS)
def test_what_is_written_is_read(one: Stamp) -> None:
    assert stamp.parse(stamp.render(one)) == one


@given(STAMPS, PEOPLE)
def test_what_is_written_among_what_people_wrote_is_read(one: Stamp, around: str) -> None:
    assert stamp.parse(stamp.render(one, around)) == one


@given(STAMPS, STAMPS, PEOPLE, PEOPLE)
def test_a_new_stamp_takes_the_place_of_the_old_and_all_else_stays(
    old: Stamp, new: Stamp, before: str, after: str
) -> None:
    description = f"{before}\n{stamp.render(old)}\n{after}"
    renewed = stamp.render(new, description)
    assert stamp.parse(renewed) == new
    assert stamp.without(renewed) == stamp.without(description) == f"{before}\n{after}".strip("\n")


@given(STAMPS, PEOPLE)
def test_stamping_twice_changes_nothing(one: Stamp, around: str) -> None:
    once = stamp.render(one, around)
    assert stamp.render(one, once) == once


def test_the_newline_that_pve_adds_does_no_harm() -> None:
    assert stamp.parse(stamp.render(OURS, "# Notes\n- keep me\n") + "\n") == OURS


@pytest.mark.parametrize("prefix", ["  ", "> ", "\t"])
def test_an_indented_or_quoted_line_counts(prefix: str) -> None:
    machine = stamp.render(OURS).splitlines()[1]
    assert stamp.parse(f"text\n{prefix}{machine}\n") == OURS


@pytest.mark.parametrize(
    "description",
    [
        None,
        "",
        "just text",
        "gitops-stamp: {not json}",
        'gitops-stamp: {"monorepo": "mr-1"}',
        'gitops-stamp: {"monorepo": 1, "container": "broker"}',
        'gitops-stamp: ["monorepo"]',
        'see gitops-stamp: {"monorepo": "mr-1", "container": "broker"}',
    ],
)
def test_anything_else_is_no_stamp(description: str | None) -> None:
    assert stamp.parse(description) is None


def test_a_person_reads_whose_it_is_and_how_far() -> None:
    human = stamp.render(OURS).splitlines()[0]
    assert "broker" in human
    assert "aaaa000011112222" in human
    assert "not verified yet" in stamp.render(Stamp("mr-1", "broker"))
