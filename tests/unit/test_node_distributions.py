"""Which distribution an archive has, and what another host wrote beside it."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from harness.embedded.node import archives, distributions, guest_config
from harness.embedded.node.errors import ApiError
from harness.embedded.node.runtime import ArchiveError


def detected(files: dict[str, str], asked: str | None = None) -> tuple[str, list[str]]:
    said: list[str] = []
    return distributions.detect({name: text.encode() for name, text in files.items()}, asked, said.append), said


@pytest.mark.parametrize(
    ("files", "ostype"),
    [
        ({"etc/os-release": "ID=debian\n", "etc/debian_version": "12.9\n"}, "debian"),
        ({"etc/os-release": "ID=debian\n", "etc/debian_version": "trixie/sid\n"}, "debian"),
        ({"usr/lib/os-release": 'NAME="x"\nID="opensuse-leap"\n'}, "opensuse"),
        ({"etc/os-release": "ID='rocky'\n"}, "centos"),
        ({"etc/os-release": "ID=arch\n"}, "archlinux"),
        ({"etc/os-release": "ID=mint\n", "etc/lsb-release": "DISTRIB_ID=Ubuntu\n"}, "ubuntu"),
        ({"etc/alpine-release": "3.20\n"}, "alpine"),
        ({"etc/devuan_version": "5\n"}, "devuan"),
        ({"nix/store": ""}, "nixos"),
        ({}, "unmanaged"),
    ],
)
def test_a_distribution_is_told_by_its_files(files: dict[str, str], ostype: str) -> None:
    assert detected(files)[0] == ostype


def test_only_unmanaged_is_believed_without_a_look() -> None:
    files = {"etc/os-release": "ID=alpine\n"}
    assert detected(files, "unmanaged") == ("unmanaged", [])
    assert detected(files, "debian") == ("alpine", ["got unexpected ostype (alpine != debian)"])


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"etc/os-release": "ID=plan9\n"}, "unable to detect OS distribution"),
        ({"etc/debian_version": "14.1\n"}, "unsupported debian version '14'"),
        ({"etc/os-release": "ID=debian\n"}, "unable to read version info"),
        ({"etc/debian_version": "never\n"}, "unable to parse version info 'never'"),
    ],
)
def test_a_system_that_no_plugin_fits_is_refused(files: dict[str, str], text: str) -> None:
    with pytest.raises(ApiError, match=text.replace("(", r"\(")):
        detected(files)


def packed(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def test_an_archive_is_read_for_what_tells_its_system(tmp_path: Path) -> None:
    library = "./usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-257.so"
    files = {
        "./etc/os-release": b"ID=debian\n",
        library: b"\x7fELF",
        "./etc/debian_version": b"13\n",
        "./big": bytes(9 << 20),
    }
    found = archives.content(packed(tmp_path / "a.tar", files))
    assert found.files == {"etc/os-release": b"ID=debian\n", "etc/debian_version": b"13\n"}
    assert found.systemd == 257
    assert archives.pct_config(tmp_path / "a.tar") is None


def test_a_configuration_is_found_before_the_rest_is_read(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.tar", {"./etc/vzdump/pct.conf": b"memory: 64\n", "./big": bytes(9 << 20)})
    subprocess.run(["gzip", str(path)], check=True)
    assert archives.pct_config(tmp_path / "a.tar.gz") == "memory: 64\n"


@pytest.mark.parametrize("data", [b"", b"nothing", b"\x1f\x8b\x08cut", b"\x28\xb5\x2f\xfdcut"])
@pytest.mark.parametrize("suffix", ["tar", "tar.gz", "tar.zst"])
def test_a_broken_archive_is_told_as_tar_does(tmp_path: Path, data: bytes, suffix: str) -> None:
    (tmp_path / f"a.{suffix}").write_bytes(data)
    with pytest.raises(ArchiveError, match="exit code 2"):
        archives.content(tmp_path / f"a.{suffix}")


def test_a_configuration_file_is_read_as_it_is_written() -> None:
    config = {"hostname": "a", "net0": "name=eth0,bridge=vmbr0", "description": "ein Ä\nzwei: x\n", "tags": "a;b"}
    snapshots = {"one": {"hostname": "b"}}
    assert guest_config.parse(guest_config.Guest(100, config, snapshots=snapshots).text) == config
    assert guest_config.parse("lxc.idmap: u 0 1 2\nmemory:  64\n\n[one]\nmemory: 32\n") == {"memory": "64"}
