"""Node ids and what they mean."""

from __future__ import annotations

import pytest

from harness.suite import names
from harness.suite.names import Stage


@pytest.mark.parametrize(
    ("nodeid", "container"),
    [
        ("libs/broker/config.env::converge", "broker"),
        ("libs/broker/specs/test_b.py::TestIt::test_x[a/b]", "broker"),
        ("config.env::provision", "config"),
        ("tests/unit/test_x.py::test_y", None),
        ("libs/test_loose.py::test_y", None),
        ("other/libs/broker/config.env::base", None),
    ],
)
def test_an_item_belongs_to_the_library_it_lies_in(nodeid: str, container: str | None) -> None:
    assert names.container_of(nodeid) == container


def test_items_are_named_within_their_container() -> None:
    assert names.item_of("libs/broker/config.env::converge") == "converge"
    assert names.item_of("libs/broker/specs/test_b.py::test_x[1]") == "specs/test_b.py::test_x[1]"


def test_specs_stand_between_idempotence_and_release() -> None:
    ids = [f"libs/a/config.env::{stage}" for stage in Stage]
    ids.insert(4, "libs/a/specs/test_a.py::test_x")
    assert sorted(ids, key=names.position) == ids


def test_a_spec_called_as_a_stage_is_a_spec() -> None:
    assert names.step_of("specs/test_b.py::converge") == "specs"
    assert names.step_of("converge") == "converge"


def test_what_is_missing_is_named_in_the_order_of_the_stages() -> None:
    missing = ["specs/test_a.py::test_x", "converge", "provision"]
    assert sorted(missing, key=names.place_of) == ["provision", "converge", "specs/test_a.py::test_x"]
