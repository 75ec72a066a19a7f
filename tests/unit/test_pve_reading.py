"""The token that plans look with: made once, good for looking and nothing else; one that sees too little is noticed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from harness.config.share import Share
from harness.embedded.node import fixture
from harness.embedded.node.fixture import Served
from harness.kit.errors import UsageError
from harness.kit.secret import Secret
from harness.lifecycle import reading as keeping
from harness.lifecycle.reading import BlindError
from harness.lifecycle.workspace import Workspace
from harness.pipeline import door
from harness.pve import reading
from harness.pve.client import Credentials, Endpoint, Pve
from harness.pve.errors import PermissionDenied
from harness.pve.reading import USER, ReadToken


@pytest.fixture(scope="module")
def node() -> Iterator[Served]:
    with fixture.serve() as served:
        yield served


def way(node: Served, credentials: Credentials) -> Pve:
    return Pve(Endpoint(node.host, node.port, node.fingerprint), credentials)


@pytest.fixture
def root(node: Served) -> Iterator[Pve]:
    pve = way(node, Credentials("root@pam", node.password))
    with closing(pve):
        yield pve
        for one in pve.get("access/users"):
            if one["userid"] != "root@pam":
                pve.delete(f"access/users/{one['userid']}")


def weak(node: Served, root: Pve, name: str = "weak") -> Pve:
    """A token of root's that may nothing."""
    with closing(way(node, Credentials("root@pam", node.password))) as pve:
        made = pve.post(f"access/users/root@pam/token/{name}", privsep=True)
    return way(node, Credentials("root@pam", token=f"root@pam!{name}", secret=Secret(made["value"])))


def workspace(tmp_path: Path, pve: Pve) -> Workspace:
    return cast("Workspace", SimpleNamespace(share=Share(tmp_path / "share/x"), pve=pve, monorepo="mr-1"))


def users(pve: Pve) -> set[str]:
    return {one["userid"] for one in pve.get("access/users")}


def tokens(pve: Pve) -> list[str]:
    return [one["tokenid"] for one in pve.get(f"access/users/{USER}/token")]


def test_the_token_sees_all_that_a_plan_needs_and_changes_nothing(node: Served, root: Pve) -> None:
    made = reading.make(root, "for a test")
    with closing(way(node, made.credentials)) as pve:
        assert reading.lacking(pve) == ()
        assert pve.get("cluster/resources")
        with pytest.raises(PermissionDenied):
            pve.post("nodes/pve/lxc", vmid=100, ostemplate="local:vztmpl/x")
        with pytest.raises(PermissionDenied):
            pve.post("access/users", userid="x@pve")
        with pytest.raises(PermissionDenied):
            pve.put("access/acl", path="/", roles="Administrator", tokens=made.id)


def test_a_token_is_made_once_and_anew_when_it_opens_nothing_any_more(root: Pve, tmp_path: Path) -> None:
    said: list[str] = []
    here = workspace(tmp_path, root)
    keeping.ensure(here, said.append)
    first = keeping.kept(here.share)
    keeping.ensure(here, said.append)
    assert keeping.kept(here.share) == first
    assert len(tokens(root)) == 1
    assert here.share.read_token.stat().st_mode & 0o777 == 0o600
    root.delete(f"access/users/{USER}/token/{tokens(root)[0]}")
    keeping.ensure(here, said.append)
    assert keeping.kept(here.share) not in {None, first}
    assert said == []


def test_other_users_and_their_tokens_are_left_alone(root: Pve, tmp_path: Path) -> None:
    root.post("access/users", userid="ann@pve")
    root.post("access/users/ann@pve/token/mine")
    root.post("access/users", userid=USER, comment="by hand")
    root.post(f"access/users/{USER}/token/mine")
    root.put("access/acl", path="/", users="ann@pve", roles="PVEAuditor")
    before = root.get("access/acl")
    keeping.ensure(workspace(tmp_path, root), lambda line: None)
    assert users(root) >= {"ann@pve", USER}
    assert root.get(f"access/users/{USER}")["comment"] == "by hand"
    assert "mine" in tokens(root)
    assert before
    assert [entry for entry in before if entry not in root.get("access/acl")] == []


def test_credentials_that_may_not_make_one_say_so_once_and_leave_nothing_behind(
    node: Served, root: Pve, tmp_path: Path
) -> None:
    said: list[str] = []
    with closing(weak(node, root, "poor")) as poor:
        here = workspace(tmp_path, poor)
        keeping.ensure(here, said.append)
        keeping.ensure(here, said.append)
    assert keeping.kept(here.share) is None
    assert len(said) == 1
    assert said[0].startswith("root@pam!poor may not make a token that only reads")
    assert USER not in users(root)


def test_a_user_that_may_make_tokens_and_not_give_roles_leaves_none(node: Served, root: Pve) -> None:
    root.post("access/users", userid="half@pve", password="half-a-password")
    root.post("access/roles", roleid="Half", privs="User.Modify Realm.AllocateUser")
    root.put("access/acl", path="/access", roles="Half", users="half@pve")
    with (
        closing(way(node, Credentials("half@pve", Secret("half-a-password")))) as half,
        pytest.raises(PermissionDenied),
    ):
        reading.make(half, "x")
    assert USER not in users(root)


def test_plans_look_with_the_token_that_was_handed_over(root: Pve, tmp_path: Path) -> None:
    here = workspace(tmp_path, root)
    keeping.ensure(here, lambda line: None)
    with closing(door.looking(here, {}, lambda line: None)) as pve:
        assert pve.credentials.identity.startswith(f"{USER}!check-")


def test_a_token_that_sees_nothing_never_makes_a_plan_of_what_it_does_not_see(
    node: Served, root: Pve, tmp_path: Path
) -> None:
    with closing(weak(node, root, "blind")) as blind:
        here = workspace(tmp_path, root)
        token = ReadToken(blind.credentials.identity, blind.credentials.secret or Secret(""))
        with pytest.raises(BlindError, match=r"VM\.Audit on /vms"):
            door.looking(here, {"GITOPS_PVE_READ_TOKEN": token.render()}, lambda line: None)
        here.share.read_token.write_text(token.render())
        said: list[str] = []
        assert door.looking(here, {}, said.append) is root
        assert "does not see enough" in said[0]


def test_a_secret_that_is_no_token_is_said(root: Pve, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="PVE_READ_TOKEN"):
        door.looking(workspace(tmp_path, root), {"GITOPS_PVE_READ_TOKEN": "hunter2"}, lambda line: None)


def test_the_secret_is_in_no_repr() -> None:
    assert "s3cret" not in repr(ReadToken("a@pve!b", Secret("s3cret")))
    assert ReadToken.parse("a@pve!b=s3=cret\n") == ReadToken("a@pve!b", Secret("s3=cret"))
    assert ReadToken.parse("a@pve=b") is None
