"""Which of several faults is told: authentication, CSRF, path, permission, node, schema, code."""

from __future__ import annotations

from typing import Any

BAD = {"memory": "many"}


def test_a_missing_ticket_comes_before_an_unknown_path(target: Any) -> None:
    answer = target.raw("nobody", "GET", "/api2/json/no/such/path")
    assert (answer.status, answer.reason, answer.body, answer.content_type) == (401, "No ticket", None, None)


def test_a_missing_csrf_token_comes_before_an_unknown_path(target: Any) -> None:
    answer = target.raw("root-without-csrf", "POST", "/api2/json/no/such/path")
    assert (answer.status, answer.reason) == (401, "Permission denied - invalid csrf token")


def test_an_unknown_path_comes_before_permission(target: Any) -> None:
    answer = target.call("GET", f"{target.lxc}/{target.missing}/nothing", "token-nothing")
    assert (answer.status, answer.reason) == (
        501,
        f"Method 'GET {target.lxc}/{target.missing}/nothing' not implemented",
    )


def test_a_static_permission_comes_before_the_schema(target: Any) -> None:
    answer = target.call("PUT", f"{target.lxc}/{target.missing}/config", "token-nothing", **BAD)
    assert answer.status == 403


def test_permission_comes_before_an_unknown_node(target: Any) -> None:
    assert target.call("GET", "/nodes/nowhere/status", "token-nothing").status == 403
    answer = target.call("GET", "/nodes/nowhere/status")
    assert answer.status == 500
    assert answer.reason.startswith("hostname lookup 'nowhere' failed")


def test_an_unknown_node_comes_before_the_schema(target: Any) -> None:
    answer = target.call("POST", "/nodes/nowhere/lxc", **BAD)
    assert answer.status == 500


def test_creating_tells_bad_parameters_before_missing_permission(target: Any) -> None:
    target.remove(target.vmid)
    params = {"vmid": target.vmid, "ostemplate": target.template}
    assert target.call("POST", target.lxc, "token-nothing", **params, **BAD).status == 400
    assert target.call("POST", target.lxc, "token-nothing", **params).status == 403


def test_every_fault_of_the_parameters_is_told_at_once(target: Any) -> None:
    answer = target.call("POST", target.lxc, hostname="a_b", memory="x", net0="foo", vmid="1", unknown="1")
    assert answer.body["errors"].keys() == {"hostname", "memory", "net0", "vmid", "unknown", "ostemplate"}


def test_a_parameter_in_path_and_query_must_be_the_same(target: Any) -> None:
    answer = target.call("GET", f"{target.lxc}/{target.missing}/config", vmid=target.missing + 1)
    assert answer.body["errors"] == {"vmid": "duplicate parameter (already defined in URI) with conflicting values!"}
    again = target.call("GET", f"{target.lxc}/{target.missing}/config", vmid=target.missing)
    assert again.status == 500


def test_a_token_may_not_change_a_password(target: Any) -> None:
    answer = target.call("PUT", "/access/password", "token-full", userid="root@pam", password="another-password")
    text = "URI '/access/password' not available with API token, need proper ticket."
    assert (answer.status, answer.body["message"]) == (403, f"Permission check failed ({text}\n)\n")


def test_the_extjs_formatter_says_errors_with_status_200(target: Any) -> None:
    coded = target.raw("root", "POST", f"/api2/extjs{target.lxc}")
    assert (coded.status, coded.body["success"], coded.body["status"]) == (200, 0, "400")
    plain = target.raw("root", "GET", f"/api2/extjs{target.lxc}/{target.missing}/config")
    assert (plain.status, plain.body["success"], plain.body["status"]) == (200, 0, 500)
