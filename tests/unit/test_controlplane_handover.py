"""A control plane's accounts, variables and plan: against a real forge in this process."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.config import forge_accounts
from harness.config.forge_accounts import RECIPES, SERVICE, ForgeAccount
from harness.config.share import Share
from harness.embedded.engine.files import File
from harness.embedded.forge.server import Served, serve
from harness.forge import organisations, users, variables
from harness.forge.client import Address, Forge, Login
from harness.forge.errors import ForgeError
from harness.forge.variables import Scope
from harness.inventory.model import Inventory
from harness.kit.errors import ConfigurationError
from harness.kit.secret import Secret
from harness.lifecycle import handover, hostkeys, judge, whereabouts
from harness.lifecycle.handover import Recipient
from harness.lifecycle.observe import Observation, Seen
from harness.lifecycle.plan import Action
from harness.lifecycle.seeding import names
from harness.lifecycle.workspace import Workspace
from harness.pve.privileges import Privileges
from tests.unit.test_plan_cases import APACHE, OURS, REVISION, WRITTEN_BACK

ACCOUNTS = "/var/lib/gitops/share/forge-accounts.json"


class Disk:
    """A control plane's files, without a control plane."""

    def __init__(self) -> None:
        self.files: dict[str, File] = {}

    def put(self, files: Iterable[File]) -> None:
        self.files.update({file.path: file for file in files})

    def read(self, path: str) -> bytes | None:
        return self.files[path].data if path in self.files else None

    def run(self, *command: str) -> None:
        raise AssertionError(command)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(tmp_path_factory.mktemp("forge"), pages=False) as found:
        yield found


@pytest.fixture
def admin(served: Served) -> Iterator[Forge]:
    with closing(Forge(Address(served.url), Login(served.admin, password=served.password))) as forge:
        yield forge


def to(served: Served, disk: Disk, for_containers: str | None = "http://10.143.0.254:8080") -> Recipient:
    return Recipient(Address(served.url), disk, served.url, for_containers)


def signed_in(served: Served, account: ForgeAccount) -> Forge:
    return Forge(Address(served.url), Login(account.user, token=account.token))


def workspace_at(tmp_path: Path) -> Workspace:
    share = Share(tmp_path / "share" / "embedded")
    return cast("Workspace", SimpleNamespace(root=tmp_path, share=share))


def test_the_control_plane_gets_an_account_and_recipes_another(served: Served, admin: Forge) -> None:
    disk = Disk()
    accounts = handover.ensure_accounts(admin, to(served, disk))
    assert (accounts[SERVICE].user, accounts[RECIPES].user) == ("gitops", "recipes")
    assert accounts[RECIPES].url == "http://10.143.0.254:8080"
    written = disk.files[ACCOUNTS]
    assert (written.mode, written.owner) == (0o600, 811)
    assert json.loads(written.data or b"")[SERVICE]["token"] == accounts[SERVICE].token.reveal()


def test_good_accounts_stay_so_that_running_jobs_go_on(served: Served, admin: Forge) -> None:
    disk = Disk()
    first = handover.ensure_accounts(admin, to(served, disk))
    assert handover.ensure_accounts(admin, to(served, disk)) == first


@pytest.mark.parametrize("found", [b"{", b"[]", b'{"service": {"url": "x"}}'])
def test_a_damaged_file_of_accounts_is_written_anew(served: Served, admin: Forge, found: bytes) -> None:
    disk = Disk()
    disk.put([File(ACCOUNTS, found)])
    accounts = handover.ensure_accounts(admin, to(served, disk))
    with closing(signed_in(served, accounts[SERVICE])) as forge:
        assert users.me(forge).login == "gitops"


def test_a_token_that_was_taken_back_is_replaced(served: Served, admin: Forge) -> None:
    disk = Disk()
    before = handover.ensure_accounts(admin, to(served, disk))
    users.delete_token(admin, "gitops", "control plane")
    after = handover.ensure_accounts(admin, to(served, disk))
    assert after[SERVICE].token != before[SERVICE].token


def test_recipes_get_no_account_where_they_could_not_reach_the_forge(served: Served, admin: Forge) -> None:
    assert set(handover.ensure_accounts(admin, to(served, Disk(), None))) == {SERVICE}


def test_the_recipes_token_opens_variables_and_nothing_else(served: Served, admin: Forge) -> None:
    accounts = handover.ensure_accounts(admin, to(served, Disk()))
    with closing(signed_in(served, accounts[RECIPES])) as forge:
        variables.put(forge, Scope.organisation(names.STAGE), "GREETING", "hello")
        assert variables.get(forge, Scope.organisation(names.STAGE), "GREETING") == "hello"
        for path in ("user", "user/repos", "admin/users", "repos/search"):
            with pytest.raises(ForgeError) as refused:
                forge.get(path)
            assert refused.value.status == 403


def test_the_harness_owns_the_organisations_that_it_seeds(served: Served, admin: Forge) -> None:
    accounts = handover.ensure_accounts(admin, to(served, Disk()))
    with closing(signed_in(served, accounts[SERVICE])) as forge:
        for organisation in names.ORGANISATIONS:
            assert {"gitops", "recipes"} <= set(organisations.members(forge, organisation))


def test_global_variables_reach_every_organisation_and_what_people_changed_stays(
    served: Served, admin: Forge, tmp_path: Path
) -> None:
    accounts = handover.ensure_accounts(admin, to(served, Disk()))
    (tmp_path / "globals.json").write_text('{"zone": "Europe/Berlin", "limit": 5, "changed": "new"}')
    (tmp_path / "globals.local.json").write_text('{"zone": "Europe/Paris"}')
    with closing(signed_in(served, accounts[SERVICE])) as forge:
        variables.put(forge, Scope.organisation(names.MAIN), "CHANGED", "by a person")
        handover.carry_variables(workspace_at(tmp_path), forge)
        found = {name: variables.listed(forge, Scope.organisation(name)) for name in names.ORGANISATIONS}
    assert {values["ZONE"] for values in found.values()} == {"Europe/Paris"}
    assert {values["LIMIT"] for values in found.values()} == {"5"}
    assert found[names.MAIN]["CHANGED"] == "by a person"
    assert found[names.TASKS]["CHANGED"] == "new"


@pytest.mark.parametrize("text", ["{", "[]", '{"nested": {}}'])
def test_global_variables_that_are_no_plain_values_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "globals.json").write_text(text)
    with pytest.raises(ConfigurationError) as refused:
        handover.read_globals(tmp_path)
    assert refused.value.problems[0].file == Path("globals.json")


CONFIG = replace(APACHE, name="config", hostname="config", vmid=110)


def planned(*, inside: bool, memory: int = 512, unprivileged: bool = True, allow: bool = True) -> Any:
    """What a plan says of the control plane's container, which PVE has as ``WRITTEN_BACK`` says."""
    wanted = replace(CONFIG, memory=memory, unprivileged=unprivileged)
    stamped = f'gitops-stamp: {{"monorepo": "{OURS}", "container": "config", "revision": "{REVISION.value}"}}\n'
    config = {**WRITTEN_BACK, "hostname": "config", "description": stamped}
    seen = Seen(110, "pve", "lxc", "config", "running", ("gitops",), config=config)
    question = judge.Question(
        inventory=Inventory((wanted,)),
        observation=Observation({110: seen}, {"pve": "online"}),
        revisions={"config": REVISION},
        monorepo=OURS,
        privileges=Privileges("root@pam", True, {}),
        allow_replace=frozenset({"config"} if allow else ()),
        control_plane=True,
        inside=inside,
    )
    return judge.plan_for(question).containers[0]


def test_from_inside_what_can_change_in_place_is_changed() -> None:
    assert planned(inside=True, memory=1024).action is Action.CHANGE


def test_from_inside_a_replacement_is_refused_with_the_workstations_command() -> None:
    entry = planned(inside=True, unprivileged=False)
    assert entry.action is Action.REFUSED
    assert entry.hint == "on the workstation, type: ./run deploy -- config --allow-replace config"
    assert "end the run" in entry.reason


def test_from_the_workstation_the_same_is_carried_out() -> None:
    assert planned(inside=False, unprivileged=False).action is Action.REPLACE


def test_the_control_plane_is_deployed_only_where_that_was_asked_for() -> None:
    assert planned(inside=False).deployed_here is True


def test_we_are_inside_where_recipes_are_sent_to_the_containers_own_forge(tmp_path: Path) -> None:
    workspace = workspace_at(tmp_path)
    assert not whereabouts.is_ourselves(workspace, CONFIG)
    for url, expected in (("http://10.143.0.254:8080", False), (f"https://{CONFIG.address.ip}", True)):
        account = ForgeAccount(url, "recipes", Secret("token-of-recipes"))
        forge_accounts.write(tmp_path / "share", {RECIPES: account})
        assert whereabouts.is_ourselves(workspace, CONFIG) is expected
    assert not whereabouts.is_ourselves(workspace, APACHE)


def test_a_host_key_from_a_stamp_takes_the_place_of_another(tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text("10.143.0.11 ssh-ed25519 OLD\n10.143.0.12 ssh-ed25519 STAYS\n")
    assert hostkeys.trust(known, {"10.143.0.11": "ssh-ed25519 NEW"}) == ("10.143.0.11",)
    assert hostkeys.pinned(known, "10.143.0.11") == "ssh-ed25519 NEW"
    assert hostkeys.pinned(known, "10.143.0.12") == "ssh-ed25519 STAYS"
    assert hostkeys.trust(known, {"10.143.0.11": "ssh-ed25519 NEW"}) == ()


def test_of_several_host_keys_the_short_one_is_stamped(tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text("10.143.0.11 ssh-rsa LONG\n10.143.0.11 ssh-ed25519 SHORT\n")
    assert hostkeys.pinned(known, "10.143.0.11") == "ssh-ed25519 SHORT"
    assert hostkeys.pinned(known, "10.143.0.99") is None
