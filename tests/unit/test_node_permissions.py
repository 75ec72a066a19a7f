"""Privileges along a path, and the expressions of the schema."""

from __future__ import annotations

import pytest

from harness.embedded.node import expressions
from harness.embedded.node.errors import ApiError
from harness.embedded.node.permissions import Permissions, levels
from harness.embedded.node.store import Store


class World:
    """Users, tokens and entries of one test."""

    def __init__(self) -> None:
        self.store = Store(None)
        self.pools: dict[str, str] = {}
        self.permissions = Permissions(self.store, "9.2", self.pools.get)
        self.evaluator = expressions.Evaluator(self.permissions, self.store.table("user"))
        self.store.table("user").put("a@pve", {"enable": 1, "groups": ["g"]})

    def grant(self, path: str, role: str, subject: str = "a@pve", kind: str = "user", propagate: bool = True) -> None:
        entry = {"path": path, "type": kind, "ugid": subject, "roleid": role, "propagate": propagate}
        self.store.table("acl").put(f"{path}{subject}{role}", entry)

    def held(self, path: str, who: str = "a@pve") -> set[str]:
        return set(self.permissions.privileges(who, path))


@pytest.fixture
def world() -> World:
    return World()


def test_levels_lead_from_the_root_to_the_path() -> None:
    assert levels("/sdn/zones/x") == ["/", "/sdn", "/sdn/zones", "/sdn/zones/x"]


def test_roles_are_inherited_only_when_they_propagate(world: World) -> None:
    world.grant("/vms", "PVEAuditor", propagate=False)
    assert world.held("/vms/100") == set()
    world.grant("/vms", "PVEAuditor")
    assert "VM.Audit" in world.held("/vms/100")


def test_a_deeper_role_replaces_an_inherited_one(world: World) -> None:
    world.grant("/", "PVEVMAdmin")
    world.grant("/vms/100", "PVEPoolUser")
    assert world.held("/vms/100") == {"Pool.Audit"}
    assert "VM.Allocate" in world.held("/vms/101")


def test_a_role_of_the_user_hides_those_of_groups_on_one_level(world: World) -> None:
    world.grant("/vms", "PVEVMAdmin", subject="g", kind="group")
    assert "VM.Allocate" in world.held("/vms/100")
    world.grant("/vms", "PVEPoolUser")
    assert world.held("/vms/100") == {"Pool.Audit"}


def test_no_access_takes_everything(world: World) -> None:
    world.grant("/", "PVEAdmin")
    world.grant("/vms", "NoAccess")
    assert world.held("/vms/100") == set()


def test_a_pool_lends_its_privileges_to_its_members(world: World) -> None:
    world.pools["/vms/100"] = "p"
    world.grant("/pool/p", "PVEVMUser")
    assert "VM.Console" in world.held("/vms/100")
    assert world.held("/vms/101") == set()


def test_a_token_has_at_most_what_its_user_has(world: World) -> None:
    world.store.table("token").put("a@pve!t", {"privsep": 1})
    world.grant("/vms", "PVEVMAdmin", subject="a@pve!t", kind="token")
    assert world.held("/vms/100", "a@pve!t") == set()
    world.grant("/vms", "PVETemplateUser")
    assert world.held("/vms/100", "a@pve!t") == {"VM.Audit", "VM.Clone"}


def test_a_token_without_separation_has_what_its_user_has(world: World) -> None:
    world.store.table("token").put("a@pve!t", {"privsep": 0})
    world.grant("/vms", "PVETemplateUser")
    assert world.held("/vms/100", "a@pve!t") == {"VM.Audit", "VM.Clone"}


def test_a_disabled_user_has_nothing(world: World) -> None:
    world.grant("/", "PVEAdmin")
    world.store.table("user").put("a@pve", {"enable": 0})
    assert world.held("/") == set()


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (["perm", "/vms/{vmid}", ["VM.Audit"]], "Permission check failed (/vms/100, VM.Audit)"),
        (["perm", "/vms/{vmid}", ["VM.A", "VM.B"], "any", 1], "Permission check failed (/vms/100, VM.A|VM.B)"),
        (["or", ["perm", "/", ["Sys.Audit"]], ["userid-param", "self"]], "Permission check failed"),
        (["perm-modify", "/vms/{vmid}"], "Permission check failed (/vms/100, Permissions.Modify|VM.Allocate)"),
    ],
)
def test_what_is_missing_is_told(world: World, check: list[object], text: str) -> None:
    with pytest.raises(ApiError) as refused:
        world.evaluator.require({"check": check}, "a@pve", {"vmid": "100"})
    assert (refused.value.status, refused.value.message) == (403, text)


def test_without_an_expression_only_root_may(world: World) -> None:
    assert world.evaluator.require(None, "root@pam", {}) is None
    with pytest.raises(ApiError):
        world.evaluator.require(None, "root@pam!token", {})


def test_one_of_several_expressions_is_enough(world: World) -> None:
    world.grant("/vms", "PVEAuditor")
    check = ["or", ["userid-param", "self"], ["perm", "/vms/{vmid}", ["VM.Audit"]]]
    assert world.evaluator.require({"check": check}, "a@pve", {"vmid": "100"}) is None
