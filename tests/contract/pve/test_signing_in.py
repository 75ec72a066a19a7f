"""Tickets, tokens, users and what they may."""

from __future__ import annotations

from typing import Any

import pytest


def login(target: Any, **form: str) -> Any:
    return target.raw("nobody", "POST", "/api2/json/access/ticket", form)


def test_a_ticket_is_as_good_as_the_password_for_another(target: Any) -> None:
    first = login(target, username="root@pam", password=target.password).data["ticket"]
    assert login(target, username="root@pam", password=first).status == 200


@pytest.mark.parametrize("user", ["root@pam", "nobody@pam", "nobody@pve", "root@elsewhere", "contract@pve"])
def test_every_refused_sign_in_says_the_same(target: Any, user: str) -> None:
    answer = login(target, username=user, password="wrong-password")
    assert (answer.status, answer.reason) == (401, "authentication failure")
    assert answer.body == {"data": None, "message": "authentication failure\n"}


def test_the_realm_may_stand_beside_the_name(target: Any) -> None:
    assert login(target, username="root", realm="pam", password=target.password).data["username"] == "root@pam"


def test_a_token_may_be_written_with_a_blank(target: Any) -> None:
    header = target.headers["token-full"]["Authorization"].replace("PVEAPIToken=", "PVEAPIToken ")
    target.headers["blank"] = {"Authorization": header}
    assert target.call("GET", "/version", "blank").status == 200


def test_a_token_needs_no_csrf_token(target: Any) -> None:
    answer = target.call("PUT", f"{target.lxc}/{target.missing}/config", "token-full", memory=300)
    assert answer.reason == f"Configuration file 'nodes/{target.node}/lxc/{target.missing}.conf' does not exist"


def test_a_token_of_root_is_not_root(target: Any) -> None:
    settings = {"ostemplate": target.template, "rootfs": f"{target.storage}:1", "mp0": "/srv,mp=/srv"}
    answer = target.call("POST", target.lxc, "token-full", vmid=target.vmid + 5, **settings)
    assert answer.reason == "Permission check failed (mount point type bind is only allowed for root@pam)"


def test_a_token_with_separate_privileges_sees_nothing_without_them(target: Any) -> None:
    assert target.call("GET", "/cluster/resources", "token-nothing", type="vm").data == []
    assert target.call("GET", "/storage", "token-nothing").data == []


def test_privileges_are_inherited_by_what_is_below(target: Any) -> None:
    found = target.call("GET", "/access/permissions", "token-separate", path=f"/vms/{target.vmid}").data
    assert found[f"/vms/{target.vmid}"]["VM.Allocate"] == 1


def test_a_deeper_entry_replaces_what_was_inherited(target: Any) -> None:
    token = "root@pam!contract-separate"
    target.call("PUT", "/access/acl", path=f"/vms/{target.vmid}", roles="PVEAuditor", tokens=token)
    found = target.call("GET", "/access/permissions", "token-separate", path=f"/vms/{target.vmid}").data
    target.call("PUT", "/access/acl", path=f"/vms/{target.vmid}", roles="PVEAuditor", tokens=token, delete=1)
    assert "VM.Allocate" not in found[f"/vms/{target.vmid}"]
    assert "VM.Audit" in found[f"/vms/{target.vmid}"]


def test_a_disabled_user_is_let_in_no_more(target: Any) -> None:
    target.call("PUT", "/access/users/contract@pve", enable=0)
    answer = login(target, username="contract@pve", password="ContractPass1")
    target.call("PUT", "/access/users/contract@pve", enable=1)
    assert answer.status == 401
    assert login(target, username="contract@pve", password="ContractPass1").status == 200
