"""PVE's spellings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.pve import values

WORD = st.text(st.characters(categories=["L", "N"], include_characters="/.-:"), min_size=1)


@given(st.dictionaries(st.sampled_from(["name", "bridge", "ip", "gw", "volume", "size"]), WORD))
def test_property_strings_come_back_as_they_went(properties: dict[str, str]) -> None:
    text = values.render_properties(properties, "volume")
    assert values.parse_properties(text, "volume") == properties


@pytest.mark.parametrize(
    ("text", "mib"), [("8G", 8192), ("768M", 768), ("1T", 1048576), ("0T", 0), ("1048576", 1), ("104857K", 102.4)]
)
def test_sizes(text: str, mib: float) -> None:
    assert values.size_mib(text) == pytest.approx(mib, abs=0.01)


@pytest.mark.parametrize("text", ["", "abc", "8 GB", "-1G"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="no disk size"):
        values.size_mib(text)


@pytest.mark.parametrize(("mib", "text"), [(8192, "8G"), (768, "768M"), (1536, "1536M"), (12800, "12.5G")])
def test_sizes_for_people(mib: float, text: str) -> None:
    assert values.render_size(mib) == text


def test_tags_as_pve_keeps_them() -> None:
    assert values.render_tags(["Web", "gitops", "a", "web"]) == "a;gitops;web"
    assert values.parse_tags("B a,c;d B") == ("a", "b", "c", "d")


@pytest.mark.parametrize(("text", "kept"), [("nesting=1,fuse=0", {"nesting": "1"}), ("", {}), ("keyctl=0", {})])
def test_features_that_are_off_are_not_there(text: str, kept: dict[str, str]) -> None:
    assert values.flags(text) == kept


@pytest.mark.parametrize(("text", "own"), [("2", "order=2"), ("2,up=5", "order=2,up=5"), ("order=1", "order=1")])
def test_start_up_orders(text: str, own: str) -> None:
    assert values.startup(text) == own
