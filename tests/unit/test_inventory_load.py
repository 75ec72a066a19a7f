"""What an inventory holds beyond its addresses: values, origins, order, advice; and how long it takes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from harness.config.settings import Settings
from harness.inventory.load import load_inventory
from harness.inventory.model import BindMount, Container, DeviceMount, Disk, ShareMount, VolumeMount
from harness.kit.errors import ConfigurationError, ExitCode, Severity

ROOT = Path(__file__).parents[2]
REQUIRED = "HOSTNAME={name}\nCORES=1\nMEMORY=512\nDISK=local-lvm:8\n"


def repository(root: Path, **libraries: str) -> Path:
    """A repository whose libraries have the required keys; the texts override them (later files win)."""
    add(root, "config", "IP=10.143.0.10\nID=110\n" + REQUIRED.format(name="config"))
    for at, (name, text) in enumerate(libraries.items()):
        directory = root / "libs" / name
        add(directory, "config", f"IP=10.143.0.{at + 20}\nID={at + 120}\n" + REQUIRED.format(name=name))
        add(directory, "config.local", text)
    return root


def add(directory: Path, name: str, text: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.env").write_text(text)


def apache(root: Path, text: str) -> Container:
    return load_inventory(repository(root, apache=text), Settings())["apache"]


def test_all_keys_become_values(tmp_path: Path) -> None:
    container = apache(
        tmp_path,
        "CORES=4\nMEMORY=2048\nSWAP=0\nDISK=fast:2.5\nBOOT=no\nUNPRIVILEGED=no\nFEATURES=nesting=1, keyctl=yes,"
        "mount=cifs;nfs\nNAMESERVER=1.1.1.1, fd00::1\nSEARCHDOMAIN=Home.Arpa\nSTARTUP=3,up=10\nTAGS=Web;public web\n"
        "ENGINE=itamae\nOSTEMPLATE=local:vztmpl/debian-12.tar.zst\n",
    )
    assert (container.cores, container.memory, container.swap) == (4, 2048, 0)
    assert container.disk == Disk("fast", 2.5)
    assert (container.onboot, container.unprivileged) == (False, False)
    assert container.features == (("nesting", "1"), ("keyctl", "1"), ("mount", "cifs;nfs"))
    assert container.nameserver == "1.1.1.1 fd00::1"
    assert (container.searchdomain, container.domain) == ("home.arpa", "home.arpa")
    assert container.startup == "order=3,up=10"
    assert container.tags == ("web", "public")
    assert (container.engine, container.ostemplate) == ("itamae", "local:vztmpl/debian-12.tar.zst")


def test_defaults_stand_in_for_what_is_not_said(tmp_path: Path) -> None:
    container = apache(tmp_path, "")
    assert (container.swap, container.onboot, container.unprivileged) == (512, True, True)
    assert container.features == (("nesting", "1"),)
    assert (container.mounts, container.needs, container.tags) == ((), (), ())
    assert (container.engine, container.ostemplate, container.domain) == ("auto", "debian-13-standard", "internal")
    assert str(container.origins["SWAP"]) == "default"


def test_an_empty_value_means_the_default(tmp_path: Path) -> None:
    assert apache(tmp_path, "SWAP=\nENGINE=").swap == 512


def test_mounts_in_all_four_spellings(tmp_path: Path) -> None:
    mounts = apache(tmp_path, "MOUNT=/srv/data/:/data, fast:4:/var/lib/app,/dev/ttyUSB0,share").mounts
    assert mounts == (
        BindMount("/srv/data", "/data"),
        VolumeMount("fast", 4.0, "/var/lib/app"),
        DeviceMount("/dev/ttyUSB0"),
        ShareMount("share"),
    )


def test_later_files_win_and_every_value_knows_its_line(tmp_path: Path) -> None:
    root = repository(tmp_path, apache="# mine\nMEMORY=1024\n")
    add(root / "libs" / "apache", "config.stage", "ID=220\nIP=10.143.0.120\nCORES=3\n")
    container = load_inventory(root, Settings(), stage="stage")["apache"]
    assert (container.memory, container.cores, container.vmid) == (1024, 3, 220)
    assert str(container.origins["MEMORY"]) == "libs/apache/config.local.env:2"
    assert str(container.origins["CORES"]) == "libs/apache/config.stage.env:3"
    assert str(container.origins["DISK"]) == "libs/apache/config.env:6"
    assert str(container.origins["HOSTNAME"]) == "resolved: stage stage"
    assert container.hostname == "stage-apache"


def test_a_stage_is_not_seen_without_being_asked_for(tmp_path: Path) -> None:
    root = repository(tmp_path, apache="")
    add(root / "libs" / "apache", "config.stage", "nonsense")
    assert load_inventory(root, Settings())["apache"].stage is None


def test_a_whole_library_gets_no_advice(tmp_path: Path) -> None:
    root = repository(tmp_path, apache="")
    for path in ("recipes/default.rb", "specs/test_apache.py"):
        (root / "libs/apache" / path).parent.mkdir()
        (root / "libs/apache" / path).touch()
    assert load_inventory(root, Settings()).warnings == ()


def test_a_library_without_recipe_or_spec_is_told_what_to_write(tmp_path: Path) -> None:
    recipe, spec = load_inventory(repository(tmp_path, apache=""), Settings()).warnings
    assert {recipe.severity, spec.severity} == {Severity.WARNING}
    assert recipe.hint.splitlines()[0] == "write libs/apache/recipes/default.rb:"
    assert spec.hint.splitlines()[0] == "write libs/apache/specs/test_apache.py:"
    assert len(recipe.hint.splitlines()) == len(spec.hint.splitlines()) == 3


def test_a_repository_without_the_control_plane_is_warned(tmp_path: Path) -> None:
    root = repository(tmp_path, apache="")
    (root / "config.env").unlink()
    inventory = load_inventory(root, Settings())
    assert inventory.names == ("apache",)
    assert "config.env" in str(inventory.warnings[0])


def test_a_cookbook_without_config_env_is_warned(tmp_path: Path) -> None:
    root = repository(tmp_path)
    (root / "libs/apache/recipes").mkdir(parents=True)
    (root / "libs/notes").mkdir()
    (warning,) = load_inventory(root, Settings()).warnings
    assert str(warning.file) == "libs/apache/config.env"


def test_the_bridge_and_its_network_are_told(tmp_path: Path) -> None:
    inventory = load_inventory(repository(tmp_path), Settings(), remembered={"10.143.0.0/24": "10.9.8.0/24"})
    assert str(inventory.bridge) == "10.9.8.1/24"
    assert inventory.networks == {"10.143.0.0/24": "10.9.8.0/24"}


def test_an_empty_repository_has_a_bridge_all_the_same(tmp_path: Path) -> None:
    inventory = load_inventory(tmp_path, Settings())
    assert inventory.containers == ()
    assert str(inventory.bridge) == "10.143.0.1/24"


def test_what_is_wrong_ends_with_the_usage_code(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="2 problems; nothing was changed") as caught:
        load_inventory(repository(tmp_path, apache="COLOUR=red", broker="SHAPE=round"), Settings())
    assert caught.value.exit_code == ExitCode.USAGE


def test_nothing_of_a_file_is_executed(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        load_inventory(repository(tmp_path, apache=f"HOSTNAME=$(touch {tmp_path}/ran)"), Settings())
    assert not (tmp_path / "ran").exists()


def test_the_shipped_repository_has_no_error() -> None:
    inventory = load_inventory(ROOT, Settings())
    assert inventory.names == ("config", "apache", "broker", "proxy")
    assert inventory["proxy"].needs == ("apache",)
    assert [str(container.address) for container in inventory.containers] == [
        f"10.143.0.{last}/24" for last in (10, 13, 11, 12)
    ]


def test_five_hundred_containers_load_well_below_a_second(tmp_path: Path) -> None:
    add(tmp_path, "config", "IP=10.143.0.10/16\nID=110\n" + REQUIRED.format(name="config"))
    for at in range(500):
        needs = f"NEEDS=lib{at - 1}\n" if at else ""
        text = f"IP=10.143.{at // 200 + 1}.{at % 200 + 1}\nID={1000 + at}\n{needs}" + REQUIRED.format(name=f"lib{at}")
        add(tmp_path / "libs" / f"lib{at}", "config", text)
    started = time.process_time()
    inventory = load_inventory(tmp_path, Settings())
    assert time.process_time() - started < 0.7
    assert inventory.names[-1] == "lib499"


def test_five_hundred_wrong_containers_are_told_as_fast(tmp_path: Path) -> None:
    repository(tmp_path)
    for at in range(500):
        text = f"IP=10.143.0.1\nID={at % 100}\nNEEDS=lib{(at + 1) % 500}\n" + REQUIRED.format(name="same")
        add(tmp_path / "libs" / f"lib{at}", "config", text)
    started = time.process_time()
    with pytest.raises(ConfigurationError) as caught:
        load_inventory(tmp_path, Settings())
    assert time.process_time() - started < 1.5
    assert len(caught.value.problems) > 1000
