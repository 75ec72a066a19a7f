"""Every property string of a container, out of the schema's own rules: what fits is read back as it was written, and
what the grammar refuses is refused by its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from harness.embedded.node.grammar import formats, property_string, schema, verify
from harness.embedded.node.guest_config import Guest
from harness.embedded.node.operations import guest_order

CALL = ("PUT", "/nodes/{node}/lxc/{vmid}/config")
NAMES = ("net0", "rootfs", "mp0", "dev0", "features")
FORMS = {
    f"{release} {name}": schema.load(release).format_of(*CALL, name) for release in schema.RELEASES for name in NAMES
}
KEYS = tuple(FORMS)
CALM = settings(deadline=None, suppress_health_check=list(HealthCheck))
# Values of formats and patterns that only a table knows.
KNOWN = {
    "pve-ipv4-config": ["dhcp", "manual", "192.0.2.5/24"],
    "pve-ipv6-config": ["auto", "dhcp", "2001:db8::5/64"],
    "ipv4": ["192.0.2.1"],
    "ipv6": ["2001:db8::1"],
    "mac-addr": ["BC:24:11:00:00:01"],
    "disk-size": ["8G", "512M", "1T"],
    "pve-lxc-mp-string": ["/data", "/srv/x"],
    "pve-lxc-dev-string": ["/dev/fuse"],
}


def fitting(name: str, rule: Mapping[str, Any]) -> st.SearchStrategy[str]:
    if rule.get("type") == "boolean":
        return st.sampled_from(["0", "1"])
    if rule.get("enum"):
        return st.sampled_from(rule["enum"])
    if rule.get("type") in ("integer", "number"):
        low, high = int(float(rule.get("minimum", 0))), int(float(rule.get("maximum", 100_000)))
        return st.integers(low, min(high, 100_000)).map(str)
    return _text(name, rule)


def _text(name: str, rule: Mapping[str, Any]) -> st.SearchStrategy[str]:
    if rule.get("format") in KNOWN:
        return st.sampled_from(KNOWN[rule["format"]])
    if rule.get("pattern"):
        return _of_pattern(rule)
    if name == "volume":
        return st.sampled_from(["local:8", "local:100/vm-100-disk-0.raw", "/srv/data"])
    return st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)


def _of_pattern(rule: Mapping[str, Any]) -> st.SearchStrategy[str]:
    compiled = verify.compile_perl(rule["pattern"])
    candidates = ["0660", "nfs", "nfs;cifs", "noatime", "noatime;discard", "1;2", "eth0", "vmbr0", "host", "5"]
    good = [text for text in candidates if compiled.search(text)]
    return st.sampled_from(good) if good else st.nothing()


def values_of(key: str) -> st.SearchStrategy[dict[str, str]]:
    rules = {name: rule for name, rule in FORMS[key].items() if not rule.get("alias")}
    needed = {name: fitting(name, rule) for name, rule in rules.items() if not rule.get("optional")}
    free = {name: fitting(name, rule) for name, rule in rules.items() if rule.get("optional")}
    free = {name: strategy for name, strategy in free.items() if not strategy.is_empty}
    return st.fixed_dictionaries(needed, optional=free)


@pytest.mark.parametrize("key", KEYS)
@CALM
@given(data=st.data())
def test_what_was_written_is_read_back(key: str, data: st.DataObject) -> None:
    values = data.draw(values_of(key))
    assert verify.parse_property(FORMS[key], property_string.render(FORMS[key], values)) == values


@pytest.mark.parametrize("key", KEYS)
@CALM
@given(data=st.data())
def test_writing_what_was_read_changes_nothing_more(key: str, data: st.DataObject) -> None:
    once = property_string.render(FORMS[key], data.draw(values_of(key)))
    assert property_string.render(FORMS[key], verify.parse_property(FORMS[key], once)) == once


@pytest.mark.parametrize("key", KEYS)
@CALM
@given(data=st.data(), wrong=st.sampled_from(["2", "y", "enabled", "-1", "x y", "10"]))
def test_a_boolean_is_no_other_word(key: str, data: st.DataObject, wrong: str) -> None:
    booleans = [name for name, rule in FORMS[key].items() if rule.get("type") == "boolean"]
    name = data.draw(st.sampled_from(booleans))
    refused(key, {**data.draw(values_of(key)), name: wrong}, name)


@pytest.mark.parametrize("key", KEYS)
@CALM
@given(data=st.data(), word=st.sampled_from(["1", "on", "Yes", "TRUE", "0", "off", "no", "False"]))
def test_a_boolean_may_be_a_word_inside_a_property_string(key: str, data: st.DataObject, word: str) -> None:
    booleans = [name for name, rule in FORMS[key].items() if rule.get("type") == "boolean"]
    name = data.draw(st.sampled_from(booleans))
    values = {**data.draw(values_of(key)), name: word}
    text = ",".join(f"{other}={value}" for other, value in values.items())
    expected = "1" if word.lower() in ("1", "on", "yes", "true") else "0"
    assert verify.parse_property(FORMS[key], text)[name] == expected


@pytest.mark.parametrize("key", [key for key in KEYS if key.endswith(("net0", "dev0"))])
@CALM
@given(data=st.data())
def test_a_number_keeps_its_limits(key: str, data: st.DataObject) -> None:
    limited = [n for n, r in FORMS[key].items() if r.get("type") == "integer" and ("minimum" in r or "maximum" in r)]
    name = data.draw(st.sampled_from(limited))
    rule = FORMS[key][name]
    outside = [int(float(rule["minimum"])) - 1] if "minimum" in rule else []
    outside += [int(float(rule["maximum"])) + 1] if "maximum" in rule else []
    refused(key, {**data.draw(values_of(key)), name: str(data.draw(st.sampled_from(outside)))}, name)


@pytest.mark.parametrize("key", KEYS)
@CALM
@given(data=st.data(), name=st.from_regex(r"[a-z]{5,12}", fullmatch=True))
def test_an_unknown_key_is_named(key: str, data: st.DataObject, name: str) -> None:
    assume(name not in FORMS[key])
    refused(key, {**data.draw(values_of(key)), name: "1"}, name)


@pytest.mark.parametrize("key", [key for key in KEYS if any(not r.get("optional") for r in FORMS[key].values())])
@CALM
@given(data=st.data())
def test_a_required_key_that_is_missing_is_named(key: str, data: st.DataObject) -> None:
    values = data.draw(values_of(key))
    name = data.draw(st.sampled_from([name for name, rule in FORMS[key].items() if not rule.get("optional")]))
    rest = {other: value for other, value in values.items() if other != name}
    assume(rest)
    with pytest.raises(property_string.PropertyError) as caught:
        verify.parse_property(FORMS[key], ",".join(f"{k}={v}" for k, v in rest.items()), key)
    assert caught.value.errors[f"{key}.{name}"] == verify.MISSING


@pytest.mark.parametrize("key", KEYS)
@CALM
@given(data=st.data())
def test_a_key_is_given_once(key: str, data: st.DataObject) -> None:
    values = data.draw(values_of(key))
    assume(values)
    name = data.draw(st.sampled_from(sorted(values)))
    text = ",".join([*(f"{k}={v}" for k, v in values.items()), f"{name}={values[name]}"])
    with pytest.raises(
        property_string.PropertyError, match=re.escape(f"duplicate key in comma-separated list property: {name}")
    ):
        verify.parse_property(FORMS[key], text)


def refused(key: str, values: dict[str, str], name: str) -> None:
    text = ",".join(f"{k}={v}" for k, v in values.items())
    with pytest.raises(property_string.PropertyError) as caught:
        verify.parse_property(FORMS[key], text, key)
    assert f"{key}.{name}" in caught.value.errors


WORDS = st.sampled_from(["order", "up", "down"])


@CALM
@given(order=st.integers(1, 999), up=st.integers(0, 9999), down=st.integers(0, 9999), bare=st.booleans())
def test_a_place_in_the_order_is_read_back(order: int, up: int, down: int, bare: bool) -> None:
    text = f"{order if bare else f'order={order}'},up={up},down={down}"
    formats.check("pve-startup-order", text)
    place = guest_order.startup(Guest(100, {"startup": text}))
    assert (place.order, place.up, place.down) == (order, up, down)


@CALM
@given(
    word=WORDS | st.from_regex(r"[a-z]{1,8}", fullmatch=True),
    value=st.sampled_from(["", "-1", "1.5", "x", " 1", "1 ", "0x1", "1=2"]),
)
def test_a_place_in_the_order_is_a_number(word: str, value: str) -> None:
    with pytest.raises(ValueError, match="unable to parse startup options"):
        formats.check("pve-startup-order", f"order=1,{word}={value}")


@pytest.mark.parametrize("text", ["", "0", "later=1", "up", " order=1"])
def test_what_is_no_place_in_the_order(text: str) -> None:
    with pytest.raises(ValueError, match="unable to parse startup options"):
        formats.check("pve-startup-order", text)
