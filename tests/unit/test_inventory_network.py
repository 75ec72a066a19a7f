"""Where an embedded node's network goes, whatever the machine has."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.inventory import network
from harness.inventory.network import NetworkFacts, NoFreeNetworkError

HOME = IPv4Network("192.168.178.0/24")
SHIPPED = IPv4Network("10.143.0.0/24")

PRIVATE = [IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]


def networks(least: int, most: int) -> st.SearchStrategy[IPv4Network]:
    """Networks anywhere, half of them where private ones are."""
    anywhere = st.integers(0, 2**32 - 1)
    private = st.sampled_from(PRIVATE).flatmap(
        lambda net: st.integers(int(net.network_address), int(net.broadcast_address))
    )
    address = st.one_of(anywhere, private)
    return st.builds(lambda at, prefix: IPv4Network((at, prefix), strict=False), address, st.integers(least, most))


facts = st.builds(
    NetworkFacts,
    st.lists(networks(12, 32), max_size=12).map(tuple),
    st.lists(networks(32, 32).map(lambda net: net.network_address), max_size=3).map(tuple),
)


@given(networks(16, 30), facts, st.integers(0))
def test_the_host_part_is_kept_and_nothing_taken_is_covered(wanted: IPv4Network, facts: NetworkFacts, at: int) -> None:
    moves = network.relocate([wanted], facts, {})
    place = moves.mapping[wanted]
    host = at % wanted.num_addresses
    moved = moves.resolve(IPv4Interface((int(wanted.network_address) + host, wanted.prefixlen)))
    assert moved.network == place
    assert int(moved.ip) - int(place.network_address) == host
    assert not any(taken.overlaps(place) for taken in facts.taken)
    assert not any(resolver in place for resolver in facts.resolvers)
    assert any(place.subnet_of(private) for private in PRIVATE)


@given(networks(16, 30), facts, facts)
def test_a_remembered_place_is_kept_while_it_is_free(
    wanted: IPv4Network, before: NetworkFacts, after: NetworkFacts
) -> None:
    place = network.relocate([wanted], before, {}).mapping[wanted]
    assume(after.obstacle(place) is None)
    assert network.relocate([wanted], after, {str(wanted): str(place)}).mapping[wanted] == place


@given(networks(16, 30), facts)
def test_a_free_private_network_stays_where_it_is(wanted: IPv4Network, facts: NetworkFacts) -> None:
    assume(facts.obstacle(wanted) is None)
    moves = network.relocate([wanted], facts, {})
    assert moves.mapping == {wanted: wanted}
    assert moves.reasons == {}


@given(st.lists(networks(16, 28), max_size=4, unique=True), facts)
def test_several_networks_never_share_a_place(wanted: list[IPv4Network], facts: NetworkFacts) -> None:
    places = list(network.relocate(wanted, facts, {}).mapping.values())
    assert not any(one.overlaps(other) for at, one in enumerate(places) for other in places[:at])


def test_the_same_facts_give_the_same_place() -> None:
    facts = NetworkFacts((HOME, SHIPPED))
    assert network.relocate([HOME], facts, {}) == network.relocate([HOME], facts, {})
    assert network.relocate([HOME], facts, {}).mapping[HOME] == IPv4Network("10.143.1.0/24")


def test_a_remembered_place_of_another_size_is_not_used() -> None:
    moves = network.relocate([HOME], NetworkFacts((HOME,)), {str(HOME): "10.9.0.0/16"})
    assert moves.mapping[HOME] == SHIPPED


def test_unreadable_memory_is_no_memory() -> None:
    assert network.relocate([SHIPPED], NetworkFacts(), {str(SHIPPED): "elsewhere"}).mapping[SHIPPED] == SHIPPED


@pytest.mark.parametrize("route", ["0.0.0.0/0", "0.0.0.0/1", "8.0.0.0/7"])
def test_routes_to_everything_take_nothing(route: str) -> None:
    assert NetworkFacts((IPv4Network(route),)).obstacle(SHIPPED) is None


def test_the_reason_names_the_resolver() -> None:
    facts = NetworkFacts(resolvers=(IPv4Address("192.168.178.1"),))
    assert "resolver 192.168.178.1" in network.relocate([HOME], facts, {}).reasons[HOME]


def test_nothing_free_is_said_plainly() -> None:
    with pytest.raises(NoFreeNetworkError, match="no private /24 network is free"):
        network.relocate([HOME], NetworkFacts(tuple(PRIVATE)), {})


def test_a_host_part_too_large_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        network.transplant(IPv4Address("10.0.1.1"), IPv4Network("10.0.0.0/16"), SHIPPED)
