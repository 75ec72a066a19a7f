"""The firewalls of the cluster and the node, and security groups: kept and listed, not enforced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

CLUSTER = "/cluster/firewall"
GROUPS = f"{CLUSTER}/groups"
SSH = {"type": "in", "action": "ACCEPT", "proto": "tcp", "dport": "22"}


@pytest.fixture(autouse=True)
def _left_as_found(target: Any, embedded_only: None) -> Iterator[None]:
    yield
    for path in (f"{CLUSTER}/rules", f"/nodes/{target.node}/firewall/rules"):
        for _ in target.call("GET", path).data:
            target.call("DELETE", f"{path}/0")
    for group in target.call("GET", GROUPS).data:
        for _ in target.call("GET", f"{GROUPS}/{group['group']}").data:
            target.call("DELETE", f"{GROUPS}/{group['group']}/0")
        target.call("DELETE", f"{GROUPS}/{group['group']}")
    for item in target.call("GET", f"{CLUSTER}/ipset").data:
        target.call("DELETE", f"{CLUSTER}/ipset/{item['name']}", force=1)
    for item in target.call("GET", f"{CLUSTER}/aliases").data:
        target.call("DELETE", f"{CLUSTER}/aliases/{item['name']}")
    for path in (f"{CLUSTER}/options", f"/nodes/{target.node}/firewall/options"):
        kept = [name for name in target.call("GET", path).data if name != "digest"]
        if kept:
            target.call("PUT", path, delete=",".join(kept))


def put(target: Any, path: str, **params: Any) -> Any:
    """A change of options, whose names have underscores."""
    return target.raw("root", "PUT", f"/api2/json{path}", params)


@pytest.fixture
def vmid(target: Any) -> Iterator[int]:
    number = target.vmid + 7
    target.create(number)
    yield number
    target.remove(number)


@pytest.fixture
def host(target: Any) -> str:
    return f"/nodes/{target.node}/firewall"


def test_options_are_kept_typed_and_deleted(target: Any, host: str) -> None:
    path = f"{CLUSTER}/options"
    assert put(target, path, enable=1, policy_in="DROP", log_ratelimit="enable=1,rate=5/second").status == 200
    found = target.call("GET", path).data
    assert (found["enable"], found["policy_in"], found["log_ratelimit"]) == (1, "DROP", "enable=1,rate=5/second")
    assert target.call("PUT", path, delete="policy_in").status == 200
    assert "policy_in" not in target.call("GET", path).data
    assert target.call("PUT", path, delete="ndp").body["errors"] == {"delete": "no such option 'ndp'"}
    put(target, f"{host}/options", ndp=0, nf_conntrack_max=65536)
    assert {"ndp": 0, "nf_conntrack_max": 65536}.items() <= target.call("GET", f"{host}/options").data.items()


@pytest.mark.parametrize(
    ("path", "params", "fault"),
    [
        (f"{CLUSTER}/options", {"policy_forward": "REJECT"}, "policy_forward"),
        (f"{CLUSTER}/options", {"log_ratelimit": "rate=fast"}, "log_ratelimit"),
        ("/nodes/pve/firewall/options", {"nf_conntrack_max": 1}, "nf_conntrack_max"),
        ("/nodes/pve/firewall/options", {"policy_in": "DROP"}, "policy_in"),
    ],
)
def test_options_are_checked_by_the_schema(target: Any, path: str, params: dict[str, Any], fault: str) -> None:
    answer = put(target, path, **params)
    assert (answer.status, list(answer.body["errors"])) == (400, [fault])


def test_an_old_digest_changes_nothing(target: Any, host: str) -> None:
    target.call("POST", f"{host}/rules", **SSH)
    for path in (f"{CLUSTER}/options", f"{host}/options", f"{host}/rules/0"):
        answer = target.call("PUT", path, digest="0" * 40, enable=1)
        assert answer.reason == "detected modified configuration - file changed by other user? Try again."
    present = target.call("GET", f"{host}/rules").data[0]["digest"]
    assert target.call("PUT", f"{host}/rules/0", digest=present, enable=1).status == 200
    assert target.call("GET", f"{host}/rules/0").data["enable"] == 1


@pytest.mark.parametrize("path", [f"{CLUSTER}/rules", "/nodes/pve/firewall/rules", f"{GROUPS}/web"])
def test_rules_are_put_in_front_and_moved(target: Any, path: str) -> None:
    target.call("POST", GROUPS, group="web")
    for port in ("1", "2", "3"):
        assert target.call("POST", path, **{**SSH, "dport": port}).status == 200
    assert [rule["dport"] for rule in target.call("GET", path).data] == ["3", "2", "1"]
    assert target.call("PUT", f"{path}/0", moveto=3).status == 200
    assert [(rule["pos"], rule["dport"]) for rule in target.call("GET", path).data] == [(0, "2"), (1, "1"), (2, "3")]
    assert target.call("DELETE", f"{path}/1").status == 200
    assert [rule["dport"] for rule in target.call("GET", path).data] == ["2", "3"]
    assert target.call("GET", f"{path}/2").reason == "no rule at position 2"


def test_a_group_is_there_once_and_goes_only_when_empty(target: Any) -> None:
    assert target.call("POST", GROUPS, group="web", comment="c").status == 200
    again = target.call("POST", GROUPS, group="web")
    assert again.body["errors"] == {"group": "Security group 'web' already exists"}
    target.call("POST", f"{GROUPS}/web", **SSH)
    assert target.call("DELETE", f"{GROUPS}/web").reason == "Security group 'web' is not empty"
    target.call("DELETE", f"{GROUPS}/web/0")
    assert target.call("DELETE", f"{GROUPS}/web").status == 200
    for method in ("GET", "DELETE"):
        assert target.call(method, f"{GROUPS}/web").reason == "no such security group 'web'"


def test_a_group_has_a_name_in_lower_case(target: Any) -> None:
    target.call("POST", GROUPS, group="Web")
    assert [item["group"] for item in target.call("GET", GROUPS).data] == ["web"]


def test_a_renamed_group_is_named_anew_in_all_rules(target: Any, vmid: int, host: str) -> None:
    guest = f"{target.lxc}/{vmid}/firewall/rules"
    target.call("POST", GROUPS, group="web")
    target.call("POST", f"{GROUPS}/web", **SSH)
    for path in (guest, f"{host}/rules", f"{CLUSTER}/rules"):
        assert target.call("POST", path, type="group", action="web").status == 200
    assert target.call("POST", GROUPS, group="shop", rename="web", comment="new").status == 200
    for path in (guest, f"{host}/rules", f"{CLUSTER}/rules"):
        assert target.call("GET", f"{path}/0").data["action"] == "shop"
    assert [(g["group"], g["comment"]) for g in target.call("GET", GROUPS).data] == [("shop", "new")]
    assert len(target.call("GET", f"{GROUPS}/shop").data) == 1


def test_a_group_is_renamed_to_a_free_name_only(target: Any) -> None:
    for name in ("web", "shop"):
        target.call("POST", GROUPS, group=name)
    taken = target.call("POST", GROUPS, group="shop", rename="web")
    assert taken.body["errors"] == {"group": "Security group 'shop' does already exist"}
    missing = target.call("POST", GROUPS, group="new", rename="nope")
    assert missing.body["errors"] == {"group": "Security group 'nope' does not exist"}
    old = target.call("POST", GROUPS, group="web", rename="web", digest="0" * 40)
    assert old.reason == "detected modified configuration - file changed by other user? Try again."


def test_a_rule_may_name_a_group_that_is_not_there(target: Any, vmid: int) -> None:
    assert target.call("POST", f"{target.lxc}/{vmid}/firewall/rules", type="group", action="nope").status == 200


@pytest.mark.parametrize(
    ("path", "rule", "fault"),
    [
        (f"{GROUPS}/web", {"type": "group", "action": "web"}, {"type": "security groups not allowed"}),
        (f"{GROUPS}/web", {"iface": "vmbr0"}, {"type": "parameter -i not allowed for this rule type"}),
        (f"{CLUSTER}/rules", {"source": "+nope"}, {"source": "no such ipset 'nope'"}),
        (f"{CLUSTER}/rules", {"dest": "nope"}, {"dest": "no such alias 'nope'"}),
        (f"{CLUSTER}/rules", {"dest": "dc/nope"}, {"dest": "no such alias 'dc/nope'"}),
        (f"{CLUSTER}/rules", {"action": "FOO"}, {"action": "unknown action 'FOO'"}),
    ],
)
def test_a_rule_that_makes_no_sense_there_is_refused(
    target: Any, path: str, rule: dict[str, str], fault: dict[str, str]
) -> None:
    target.call("POST", GROUPS, group="web")
    answer = target.call("POST", path, **{**SSH, **rule})
    assert (answer.status, answer.body["errors"]) == (400, fault)


def test_a_rule_of_the_node_is_about_any_of_its_interfaces(target: Any, host: str) -> None:
    assert target.call("POST", f"{host}/rules", **SSH, iface="vmbr0").status == 200
    assert target.call("POST", f"{host}/rules", type="forward", action="DROP").status == 200


def test_names_of_the_cluster_are_known_to_containers(target: Any, vmid: int) -> None:
    guest = f"{target.lxc}/{vmid}/firewall"
    target.call("POST", f"{CLUSTER}/aliases", name="office", cidr="192.0.2.0/24", comment="c")
    target.call("POST", f"{CLUSTER}/ipset", name="admins")
    for source in ("office", "dc/office", "+admins", "+dc/admins"):
        assert target.call("POST", f"{guest}/rules", **SSH, source=source).status == 200
    assert target.call("POST", f"{CLUSTER}/ipset/admins", cidr="office").status == 200
    target.call("POST", f"{guest}/ipset", name="own")
    refs = target.call("GET", f"{guest}/refs").data
    assert [(r["scope"], r["ref"]) for r in refs] == [("dc", "+admins"), ("dc", "office"), ("guest", "+own")]
    assert {r["scope"] for r in target.call("GET", f"{CLUSTER}/refs").data} == {"dc"}
    mixed = target.call("POST", f"{guest}/rules", **SSH, source="fe80::1", dest="office")
    assert mixed.reason == "detected mixed ipv4/ipv6 addresses in rule"


def test_sets_and_aliases_of_the_cluster_are_told_apart_from_those_of_containers(target: Any, vmid: int) -> None:
    target.call("POST", f"{CLUSTER}/ipset", name="nets")
    target.call("POST", f"{CLUSTER}/ipset/nets", cidr="10.0.0.0/8", nomatch=1)
    assert target.call("GET", f"{CLUSTER}/ipset/nets/10.0.0.0%2F8").data["nomatch"] == 1
    assert target.call("GET", f"{target.lxc}/{vmid}/firewall/ipset/nets").reason == "no such IPSet 'nets'"
    assert target.call("DELETE", f"{CLUSTER}/ipset/nets").reason == "IPSet 'nets' is not empty"
    assert target.call("GET", f"{CLUSTER}/aliases/nope").body["errors"] == {"name": "no such alias"}


def test_a_clone_has_its_sources_firewall(target: Any, vmid: int) -> None:
    target.call("POST", f"{target.lxc}/{vmid}/firewall/rules", **SSH)
    try:
        assert target.work("POST", f"{target.lxc}/{vmid}/clone", newid=vmid + 1) == "OK"
        assert [rule["dport"] for rule in target.call("GET", f"{target.lxc}/{vmid + 1}/firewall/rules").data] == ["22"]
    finally:
        target.remove(vmid + 1)


@pytest.mark.parametrize(
    ("method", "path", "params", "missing"),
    [
        ("PUT", f"{CLUSTER}/options", {"enable": 1}, "/, Sys.Modify"),
        ("POST", f"{CLUSTER}/rules", SSH, "/, Sys.Modify"),
        ("POST", GROUPS, {"group": "web"}, "/, Sys.Modify"),
        ("DELETE", f"{GROUPS}/web", {}, "/, Sys.Modify"),
        ("GET", f"{GROUPS}/web", {}, "/, Sys.Audit"),
        ("GET", f"{CLUSTER}/aliases", {}, "/, Sys.Audit"),
        ("PUT", "/nodes/pve/firewall/options", {"enable": 1}, "/nodes/pve, Sys.Modify"),
        ("GET", "/nodes/pve/firewall/log", {}, "/nodes/pve, Sys.Syslog"),
    ],
)
def test_who_may_not_is_refused(target: Any, method: str, path: str, params: dict[str, Any], missing: str) -> None:
    answer = target.call(method, path, "token-nothing", **params)
    assert (answer.status, answer.reason) == (403, f"Permission check failed ({missing})")


def test_everybody_may_list_groups_and_macros(target: Any) -> None:
    assert target.call("GET", GROUPS, "user").data == []
    assert "SSH" in {item["macro"] for item in target.call("GET", f"{CLUSTER}/macros", "user").data}
