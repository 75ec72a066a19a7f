"""What changes a container's revision, and in which part."""

from __future__ import annotations

import shutil
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from harness.inventory.model import BindMount, Container, Inventory
from harness.kit.secret import Secret
from harness.lifecycle import judge
from harness.lifecycle.judge import Question
from harness.lifecycle.observe import Observation, Seen
from harness.lifecycle.plan import Action
from harness.lifecycle.revision import PARTS, Revision, Revisions, differing
from harness.lifecycle.stamp import Stamp, render
from harness.pve.privileges import Privileges
from harness.repo.tree import Tree
from tests import samples


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {
        "libs/apache/config.env": "ID=113\n",
        "libs/apache/README.md": "about\n",
        "libs/apache/recipes/default.rb": "package 'apache2'\n",
        "libs/apache/attributes/default.rb": "",
        "libs/apache/templates/site.erb": "x\n",
        "libs/apache/files/index.html": "x\n",
        "libs/apache/metadata.rb": "name 'apache'\n",
        "libs/apache/specs/test_apache.py": "def test_it(host): ...\n",
        "libs/broker/recipes/default.rb": "package 'mosquitto'\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def container(root: Path, name: str = "apache", vmid: int = 113, **changes: Any) -> Container:
    at = f"{IPv4Address('10.143.0.0') + vmid - 100}/16"
    return samples.container(name, at=at, **{"directory": root / "libs" / name, "vmid": vmid, **changes})


def revision(
    root: Path, *, key: bytes = b"k" * 32, password: str = "secret-one", login: str = "admin", **changes: Any
) -> Revision:
    settings = {name: changes.pop(name) for name in ("mirror", "authority") if name in changes}
    apache = container(root, **changes)
    inventory = Inventory((apache, container(root, "broker", 111)))
    source = Revisions(inventory, Tree(root), login=login, password=Secret(password), key=key, **settings)
    return source.of(apache)


def test_the_same_files_make_the_same_revision_anywhere(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree(root / "libs", copy / "libs")
    assert revision(copy) == revision(root)
    assert set(revision(root).parts) == set(PARTS)


@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("recipes/default.rb", "cookbook"),
        ("attributes/default.rb", "cookbook"),
        ("templates/site.erb", "cookbook"),
        ("files/index.html", "cookbook"),
        ("metadata.rb", "cookbook"),
        ("specs/test_apache.py", "specs"),
    ],
)
def test_an_edited_file_shows_in_its_part_alone(root: Path, file: str, part: str) -> None:
    before = revision(root)
    (root / "libs/apache" / file).write_text("edited\n")
    after = revision(root)
    assert differing(before.parts, after.parts) == (part,)
    assert before.value != after.value


def test_another_authority_is_another_base(root: Path) -> None:
    before, after = (revision(root, authority=one) for one in ("first", "second"))
    assert differing(before.parts, after.parts) == ("base",)


@pytest.mark.parametrize("file", ["libs/apache/README.md", "libs/apache/config.env", "libs/broker/recipes/default.rb"])
def test_files_that_do_not_reach_the_container_do_not_count(root: Path, file: str) -> None:
    before = revision(root)
    (root / file).write_text("edited\n")
    assert revision(root) == before


@pytest.mark.parametrize(
    "changes",
    [
        {"memory": 1024},
        {"mounts": (BindMount("/srv", "/srv"),)},
        {"features": (("nesting", "1"), ("keyctl", "1"))},
        {"startup": "order=1"},
    ],
    ids=["memory", "mounts", "features", "startup"],
)
def test_configuration_counts(root: Path, changes: dict[str, Any]) -> None:
    assert differing(revision(root).parts, revision(root, **changes).parts) == ("config",)


@pytest.mark.parametrize("changes", [{"needs": ("broker",)}, {"ostemplate": "debian-12-standard"}])
def test_order_and_the_template_it_began_with_do_not_count(root: Path, changes: dict[str, Any]) -> None:
    assert revision(root, **changes) == revision(root)


def with_another(root: Path) -> dict[str, str]:
    """The parts of apache's revision once a second container is there."""
    both = Inventory((container(root), container(root, "broker", 111), container(root, "proxy", 112)))
    source = Revisions(both, Tree(root), login="admin", password=Secret("secret-one"), key=b"k" * 32)
    return dict(source.of(both["apache"]).parts)


@pytest.mark.parametrize(
    ("file", "text", "parts"),
    [
        ("recipes/default.rb", "package 'apache2'\n", ()),
        ("recipes/default.rb", "node['containers'].each { |one| log one['ip'] }\n", ("attributes",)),
        ("specs/test_apache.py", "def test_all(container): assert container.containers\n", ("specs",)),
        ("specs/test_apache.py", "def test_one(container): assert container.other('broker').ip\n", ("specs",)),
    ],
    ids=["sees none", "recipe sees them", "spec sees them", "spec sees one"],
)
def test_another_container_counts_only_for_those_that_look_at_it(
    root: Path, file: str, text: str, parts: tuple[str, ...]
) -> None:
    (root / "libs/apache" / file).write_text(text)
    assert differing(revision(root).parts, with_another(root)) == parts


def test_engine_login_and_neighbours_count(root: Path) -> None:
    before = revision(root).parts
    assert differing(before, revision(root, engine="itamae").parts) == ("engine",)
    assert set(differing(before, revision(root, login="somebody").parts)) == {"attributes", "secrets"}
    assert set(differing(before, revision(root, hostname="web").parts)) == {"config", "attributes"}


def test_a_secret_counts_only_through_the_key(root: Path) -> None:
    before = revision(root)
    assert differing(before.parts, revision(root, password="secret-two").parts) == ("secrets",)
    assert differing(before.parts, revision(root, key=b"x" * 32).parts) == ("secrets",)
    assert "secret-one" not in str(before)


def test_each_of_many_containers_is_planned(root: Path) -> None:
    for number in range(100):
        shutil.copytree(root / "libs/apache", root / f"libs/c{number}")
    many = Inventory(tuple(container(root, f"c{number}", 1000 + number) for number in range(100)))
    source = Revisions(many, Tree(root), login="admin", password=Secret("secret-one"), key=b"k" * 32)
    revisions = {one.name: source.of(one) for one in many.containers}
    plan = judge.plan_for(question(many, revisions))
    assert [entry.action for entry in plan.containers] == [Action.CHANGE] * 100


def question(many: Inventory, revisions: dict[str, Revision]) -> Question:
    """Every container stands there with too little memory."""
    guests = {one.vmid: guest(one, revisions[one.name]) for one in many.containers}
    return Question(many, Observation(guests), revisions, "mr-1", Privileges("root@pam", True, {}))


def guest(one: Container, proven: Revision) -> Seen:
    config = {
        "hostname": one.hostname,
        "cores": 1,
        "memory": 256,
        "swap": 512,
        "onboot": 1,
        "net0": f"name=eth0,bridge=vmbr0,gw=10.143.0.1,hwaddr=BC:24:11:2C:BE:D6,ip={one.address},type=veth",
        "features": "nesting=1",
        "rootfs": "local-lvm:vm-disk-0,size=8G",
        "tags": "gitops",
        "unprivileged": 1,
        "description": render(replace(Stamp("mr-1", one.name), revision=proven.value, parts=proven.parts)),
    }
    return Seen(one.vmid, "pve", "lxc", one.name, "running", ("gitops",), config=config)
