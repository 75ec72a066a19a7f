"""What is kept and listed though nothing acts on it here: firewall, HA resources, backup jobs, planned interfaces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def vmid(target: Any) -> Iterator[int]:
    number = target.vmid + 6
    target.remove(number)
    target.create(number)
    yield number
    target.remove(number)


def test_a_new_rule_stands_before_the_others(target: Any, vmid: int) -> None:
    path = f"{target.lxc}/{vmid}/firewall/rules"
    for port in ("22", "80"):
        target.call("POST", path, type="in", action="ACCEPT", proto="tcp", dport=port)
    assert [rule["dport"] for rule in target.call("GET", path).data] == ["80", "22"]
    assert target.call("PUT", f"{path}/0", moveto=2).status == 200
    assert [rule["dport"] for rule in target.call("GET", path).data] == ["22", "80"]


def test_a_port_needs_a_protocol(target: Any, vmid: int) -> None:
    answer = target.call("POST", f"{target.lxc}/{vmid}/firewall/rules", type="in", action="ACCEPT", dport="22")
    assert answer.body["errors"] == {"proto": "missing property - 'dport' requires this property"}


def test_a_rule_that_is_not_there(target: Any, vmid: int) -> None:
    for method in ("GET", "DELETE"):
        assert target.call(method, f"{target.lxc}/{vmid}/firewall/rules/9").reason == "no rule at position 9"


def test_firewall_options_are_set_and_deleted(target: Any, vmid: int) -> None:
    path = f"{target.lxc}/{vmid}/firewall/options"
    assert target.call("GET", path).data == {"digest": "da39a3ee5e6b4b0d3255bfef95601890afd80709"}
    target.call("PUT", path, enable=1, dhcp=1)
    target.call("PUT", path, delete="dhcp")
    found = target.call("GET", path).data
    assert (found["enable"], "dhcp" in found) == (1, False)


def test_an_address_is_in_a_set_once(target: Any, vmid: int) -> None:
    path = f"{target.lxc}/{vmid}/firewall/ipset"
    target.call("POST", path, name="local")
    assert target.call("POST", f"{path}/local", cidr="10.0.0.0/8").status == 200
    again = target.call("POST", f"{path}/local", cidr="10.0.0.0/8")
    assert again.body["errors"] == {"cidr": "address '10.0.0.0/8' already exists"}
    assert [item["ref"] for item in target.call("GET", f"{target.lxc}/{vmid}/firewall/refs").data] == ["+local"]


def test_a_managed_container_is_destroyed_only_with_purge(target: Any, vmid: int) -> None:
    sid = f"ct:{vmid}"
    assert target.call("POST", "/cluster/ha/resources", sid=sid, state="stopped").status == 200
    twice = target.call("POST", "/cluster/ha/resources", sid=sid)
    assert twice.reason == f"create resource failed: resource ID '{sid}' already defined"
    refused = target.call("DELETE", f"{target.lxc}/{vmid}")
    assert refused.reason == f"unable to remove CT {vmid} - used in HA resources and purge parameter not set."
    assert target.work("DELETE", f"{target.lxc}/{vmid}", purge=1) == "OK"
    assert sid not in {item["sid"] for item in target.call("GET", "/cluster/ha/resources").data}


def test_a_resource_must_exist(target: Any) -> None:
    answer = target.call("POST", "/cluster/ha/resources", sid=f"ct:{target.missing}")
    assert answer.reason == f"resource 'ct:{target.missing}' does not exist in cluster"


def test_a_backup_job_outlives_its_container_but_for_purge(target: Any, vmid: int, embedded_only: None) -> None:
    settings = {"vmid": vmid, "storage": target.storage, "schedule": "sat 01:00", "mode": "snapshot"}
    assert target.call("POST", "/cluster/backup", id="contract", **settings).status == 200
    found = {job["id"]: job for job in target.call("GET", "/cluster/backup").data}
    assert (found["contract"]["vmid"], found["contract"]["enabled"]) == (str(vmid), 1)
    assert target.work("DELETE", f"{target.lxc}/{vmid}", purge=1) == "OK"
    assert "contract" not in {job["id"] for job in target.call("GET", "/cluster/backup").data}


def test_a_planned_interface_is_listed_with_what_would_change(target: Any, embedded_only: None) -> None:
    path = f"/nodes/{target.node}/network"
    assert target.call("POST", path, iface="vmbr7", type="bridge", cidr="10.99.0.1/24", autostart=1).status == 200
    answer = target.call("GET", path)
    target.call("DELETE", path)
    assert "+iface vmbr7 inet static" in answer.body["changes"]
    assert "active" not in next(item for item in answer.data if item["iface"] == "vmbr7")
    assert "changes" not in target.call("GET", path).body


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ({"action": "FOO"}, {"action": "unknown action 'FOO'"}),
        ({"iface": "eth0"}, {"iface": r"value does not match the regex pattern 'net\d+'"}),
        ({"macro": "nope"}, {"macro": "unknown macro 'nope'"}),
        ({"proto": "nope"}, {"proto": "invalid format - unknown protocol 'nope'\n"}),
        ({"proto": "tcp", "dport": "99999"}, {"dport": "invalid format - invalid port '99999'\n"}),
        ({"proto": "icmp", "sport": "22"}, {"sport": "protocol 'icmp' does not support ports"}),
        ({"source": "+nope"}, {"source": "no such ipset 'nope'"}),
        ({"dest": "nope"}, {"dest": "no such alias 'nope'"}),
        ({"source": "10.0.0.1", "dest": "fe80::1"}, {"dest": "detected mixed ipv4/ipv6 addresses in rule"}),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(
    target: Any, vmid: int, rule: dict[str, str], fault: dict[str, str]
) -> None:
    path = f"{target.lxc}/{vmid}/firewall/rules"
    answer = target.call("POST", path, **{"type": "in", "action": "ACCEPT", **rule})
    assert (answer.status, answer.body["errors"]) == (400, fault)
    assert target.call("GET", path).data == []


def test_a_network_of_a_set_is_reached_by_its_path(target: Any, vmid: int) -> None:
    path = f"{target.lxc}/{vmid}/firewall/ipset"
    target.call("POST", path, name="nets")
    target.call("POST", f"{path}/nets", cidr="10.0.0.0/8", comment="ours")
    assert target.call("GET", f"{path}/nets/10.0.0.0%2F8").data["comment"] == "ours"
    assert target.call("DELETE", f"{path}/nets").reason == "IPSet 'nets' is not empty"
    assert target.call("DELETE", f"{path}/nets/10.0.0.0%2F8").status == 200
    assert target.call("DELETE", f"{path}/nets").status == 200


def test_an_alias_is_known_by_its_name_in_any_case(target: Any, vmid: int) -> None:
    path = f"{target.lxc}/{vmid}/firewall/aliases"
    target.call("POST", path, name="Office", cidr="192.0.2.0/24")
    again = target.call("POST", path, name="office", cidr="192.0.2.0/24")
    assert again.body["errors"] == {"name": "alias 'office' already exists"}
    assert target.call("GET", f"{path}/OFFICE").data == {"name": "Office", "cidr": "192.0.2.0/24", "ipversion": 4}


def test_a_container_is_not_backed_up_until_a_job_takes_it_in(target: Any, vmid: int, embedded_only: None) -> None:
    path = "/cluster/backup-info/not-backed-up"

    def left() -> set[int]:
        return {guest["vmid"] for guest in target.call("GET", path).data}

    assert vmid in left()
    target.call("POST", "/cluster/backup", id="info", all=1, storage=target.storage, schedule="sat 01:00")
    try:
        assert vmid not in left()
        included = target.call("GET", "/cluster/backup/info/included_volumes").data["children"]
        assert vmid in {guest["id"] for guest in included}
        values = target.call("GET", "/cluster/notifications/matcher-field-values").data
        assert "info" in {item["value"] for item in values if item["field"] == "job-id"}
        target.call("PUT", "/cluster/backup/info", exclude=vmid)
        assert vmid in left()
    finally:
        target.call("DELETE", "/cluster/backup/info")


def test_a_job_takes_in_what_its_pool_has(target: Any, vmid: int, embedded_only: None) -> None:
    target.call("POST", "/pools", poolid="backed-up")
    target.call("PUT", "/pools/backed-up", vms=vmid)
    target.call("POST", "/cluster/backup", id="pooled", pool="backed-up", storage=target.storage, schedule="01:00")
    included = target.call("GET", "/cluster/backup/pooled/included_volumes").data["children"]
    target.call("DELETE", "/cluster/backup/pooled")
    target.call("PUT", "/pools/backed-up", vms=vmid, delete=1)
    target.call("DELETE", "/pools/backed-up")
    assert [guest["id"] for guest in included] == [vmid]


def test_the_nodes_own_configuration_is_kept(target: Any, embedded_only: None) -> None:
    path = f"/nodes/{target.node}/config"
    assert target.call("GET", path).data == {}
    assert target.call("PUT", path, description="notes", startall_onboot_delay=5).status == 200
    found = target.call("GET", path).data
    assert (found["description"], found["startall-onboot-delay"]) == ("notes\n", 5)
    assert target.call("GET", path, property="description").data == {"description": "notes\n"}
    stale = target.call("PUT", path, digest="0" * 40, description="x")
    assert stale.reason == "detected modified configuration - file changed by other user? Try again."
    assert target.call("PUT", path, wakeonlan="nope").status == 400
    assert target.call("PUT", path, delete="description,startall-onboot-delay").status == 200
    assert target.call("GET", path).data == {}


def test_there_is_no_ceph(target: Any, embedded_only: None) -> None:
    for path in ("/cluster/ceph/status", f"/nodes/{target.node}/ceph/status"):
        assert target.call("GET", path).reason == "binary not installed: /usr/bin/ceph-mon"


def test_notifications_go_where_they_go_on_a_new_host(target: Any, embedded_only: None) -> None:
    found = target.call("GET", "/cluster/notifications/endpoints/sendmail").data
    assert [(item["name"], item["mailto-user"]) for item in found] == [("mail-to-root", ["root@pam"])]
    refused = target.call("GET", "/cluster/notifications/targets", "token-nothing")
    assert refused.status == 403
