"""Property strings: reading is the inverse of writing, and what the grammar refuses is refused."""

from __future__ import annotations

import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.embedded.node.grammar import property_string, schema, verify

NET = schema.load("9.2").format_of("POST", "/nodes/{node}/lxc", "net0")
MOUNT = schema.load("9.2").format_of("POST", "/nodes/{node}/lxc", "mp0")

settings.register_profile("property-strings", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("property-strings")

names = st.text(string.ascii_letters + string.digits + "-_.", min_size=1, max_size=12)
addresses = st.ip_addresses(v=4).map(lambda a: f"{a}/24")
nets = st.fixed_dictionaries(
    {"name": names},
    optional={
        "bridge": names,
        "firewall": st.sampled_from(["0", "1"]),
        "ip": st.one_of(st.just("dhcp"), st.just("manual"), addresses),
        "gw": st.ip_addresses(v=4).map(str),
        "tag": st.integers(1, 4094).map(str),
        "mtu": st.integers(64, 65535).map(str),
        "type": st.just("veth"),
    },
)
mounts = st.fixed_dictionaries(
    {"volume": names.map(lambda n: f"local:110/{n}x"), "mp": names.map(lambda n: f"/{n}x")},
    optional={"ro": st.sampled_from(["0", "1"]), "size": st.integers(1, 99).map(lambda n: f"{n}G")},
)


@given(nets)
def test_reading_an_interface_is_the_inverse_of_writing_it(values: dict[str, str]) -> None:
    assert verify.parse_property(NET, property_string.render(NET, values)) == values


@given(mounts)
def test_reading_a_mount_point_is_the_inverse_of_writing_it(values: dict[str, str]) -> None:
    assert verify.parse_property(MOUNT, property_string.render(MOUNT, values)) == values


@given(nets, st.permutations(range(8)))
def test_the_order_of_properties_does_not_matter(values: dict[str, str], order: list[int]) -> None:
    pairs = [f"{key}={value}" for key, value in values.items()]
    mixed = [pairs[index] for index in order if index < len(pairs)]
    assert verify.parse_property(NET, ",".join(mixed)) == values


@given(nets, st.text(string.ascii_lowercase, min_size=9, max_size=12))
def test_an_unknown_property_is_refused_by_its_name(values: dict[str, str], name: str) -> None:
    text = f"{property_string.render(NET, values)},{name}=1"
    with pytest.raises(property_string.PropertyError) as refused:
        verify.parse_property(NET, text, "net0")
    assert refused.value.errors == {f"net0.{name}": verify.UNDEFINED}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("vmbr0", "value without key, but schema does not define a default key"),
        ("name=eth0,name=eth1", "duplicate key in comma-separated list property: name"),
        ("name=eth0,=x", "missing key in comma-separated list property"),
    ],
)
def test_texts_without_shape_are_refused_as_a_whole(text: str, sentence: str) -> None:
    with pytest.raises(property_string.PropertyError) as refused:
        verify.parse_property(NET, text)
    assert (str(refused.value), refused.value.errors) == (sentence, {})


def test_the_default_key_may_be_written_or_left_out() -> None:
    short = verify.parse_property(MOUNT, "local:1,mp=/data")
    assert short == verify.parse_property(MOUNT, "mp=/data,volume=local:1")


def test_the_default_key_comes_first_and_required_ones_before_optional_ones() -> None:
    values = {"backup": "0", "mp": "/data", "volume": "local:1", "acl": "1"}
    assert property_string.render(MOUNT, values) == "local:1,mp=/data,acl=1,backup=0"
