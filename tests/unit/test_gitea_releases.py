"""Gitea's releases: which ones, from where, and that nothing else is ever kept."""

from __future__ import annotations

import io
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from harness.config.settings import GiteaSettings, Settings
from harness.config.share import Share
from harness.controlplane import deployment, kit, programs
from harness.controlplane.gitea import forge, releases
from harness.controlplane.gitea.releases import Release, WrongReleaseError
from harness.controlplane.program import Program
from harness.controlplane.wheels import Platform, folder_name
from harness.inventory.load import load_inventory
from harness.inventory.model import Container
from harness.kit.errors import ExitCode, UnreachableError
from harness.kit.process import Completed
from tests.unit.gitea_world import mirror, packed

ROOT = Path(__file__).parents[2]
DATA, DIGEST = packed(b"#!/bin/sh\necho gitea\n")
PATH = "/gitea/1.26.4/gitea-1.26.4-linux-amd64.xz"


def settings(url: str, digest: str = DIGEST, version: str = "1.26.4") -> Settings:
    return Settings(forge="gitea", gitea=GiteaSettings(version, (digest,), "0.2.13", ("b" * 64,), url))


def release(url: str, digest: str = DIGEST, version: str = "1.26.4") -> Release:
    pair = releases.wanted(settings(url, digest, version), "x86_64")
    assert pair is not None
    return pair.forge


@pytest.fixture
def plane() -> Container:
    """The repository's own control plane."""
    return next(one for one in load_inventory(ROOT, Settings(), remembered={}).containers if one.is_control_plane)


def quiet(_line: str) -> None:
    """Nobody listens."""


def test_the_embedded_forge_needs_no_release() -> None:
    assert releases.wanted(Settings(), "amd64") is None
    assert programs.of(None, "http://localhost:8080") == programs.EMBEDDED


@pytest.mark.parametrize(("version", "product"), [("0.2.13", "act_runner"), ("1.0.6", "gitea-runner")])
def test_the_runner_is_fetched_by_the_name_that_it_has_at_that_version(version: str, product: str) -> None:
    wanted = replace(settings("http://m"), gitea=GiteaSettings(runner_version=version, mirror="http://m"))
    pair = releases.wanted(wanted, "aarch64")
    assert pair is not None
    assert pair.runner.url == f"http://m/{product}/{version}/{product}-{version}-linux-arm64.xz"


def test_a_release_is_fetched_once_and_found_again_also_where_another_control_plane_keeps_it(tmp_path: Path) -> None:
    asked: list[str] = []
    with mirror({PATH: DATA}, asked) as url:
        wanted = release(url)
        found = releases.ensure(wanted, [tmp_path / "a"], quiet)
        again = releases.ensure(wanted, [tmp_path / "a"], quiet)
        installed = releases.ensure(wanted, [tmp_path / "b", tmp_path / "a"], quiet)
    assert found == again == installed
    assert found.read_bytes() == DATA
    assert asked == [PATH]


def test_a_release_with_another_digest_is_refused_and_not_kept(tmp_path: Path) -> None:
    with mirror({PATH: b"something else"}, []) as url, pytest.raises(WrongReleaseError) as refused:
        releases.ensure(release(url), [tmp_path], quiet)
    assert DIGEST in str(refused.value.hint)
    assert "gitea.sha256" in str(refused.value.hint)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_file_that_was_changed_in_the_cache_is_fetched_again(tmp_path: Path) -> None:
    with mirror({PATH: DATA}, []) as url:
        found = releases.ensure(release(url), [tmp_path], quiet)
        found.write_bytes(b"changed")
        assert releases.ensure(release(url), [tmp_path], quiet).read_bytes() == DATA


def test_a_mirror_that_is_away_is_named_with_what_to_do(tmp_path: Path) -> None:
    with mirror({}, []) as url:
        pass
    with pytest.raises(UnreachableError) as failed:
        releases.ensure(release(url), [tmp_path], quiet)
    assert failed.value.exit_code == ExitCode.UNREACHABLE
    assert "gitea.mirror" in str(failed.value.hint)
    assert url in str(failed.value.hint)


def test_a_mirror_without_the_release_says_so(tmp_path: Path) -> None:
    with mirror({}, []) as url, pytest.raises(UnreachableError, match="404"):
        releases.ensure(release(url), [tmp_path], quiet)


def test_a_download_that_ends_early_is_no_wrong_release(tmp_path: Path) -> None:
    path = "/gitea/1.0-short/gitea-1.0-short-linux-amd64.xz"
    with mirror({path: DATA}, []) as url, pytest.raises(UnreachableError, match="cannot be fetched"):
        releases.ensure(release(url, version="1.0-short"), [tmp_path], quiet)


class Asked:
    """A connection to a Debian 13."""

    def run(self, command: str) -> Completed:
        """What every question there is answered with."""
        return Completed((command,), 0, b"13\namd64\n", b"", 0.0)


def test_the_cookbook_of_a_control_plane_brings_the_releases_and_says_what_runs_them(
    tmp_path: Path, plane: Container
) -> None:
    path = "/act_runner/0.2.13/act_runner-0.2.13-linux-amd64.xz"
    program, debian = Program.of(ROOT), Platform.of("13", "amd64")
    (tmp_path / "wheels" / folder_name(program, debian)).mkdir(parents=True)
    with mirror({PATH: DATA, path: DATA}, []) as url:
        gitea = GiteaSettings(sha256=(DIGEST,), runner_sha256=(DIGEST,), mirror=url)
        made = deployment.prepare(
            plane,
            root=ROOT,
            share=Share(tmp_path / "embedded"),
            login="ann",
            connection=Asked(),  # type: ignore[arg-type]
            say=quiet,
            settings=Settings(forge="gitea", gitea=gitea),
        )
    with tarfile.open(fileobj=io.BytesIO(made.files["files/kit.tar"])) as tar:
        names = tar.getnames()
    assert {"releases.sh", f"releases/{PATH.rpartition('/')[2]}", f"releases/{path.rpartition('/')[2]}"} <= set(names)
    attributes = made.attributes
    assert attributes["releases"] == ["gitea-1.26.4-linux-amd64", "act_runner-0.2.13-linux-amd64"]
    assert attributes["forge_module"] == "harness.controlplane.gitea.forge"
    gitea_program = "/opt/gitops/releases/gitea-1.26.4-linux-amd64"
    assert attributes["forge_options"] == f"--gitea {gitea_program} --url https://10.143.0.10"
    options = ["--state", "/s", "--admin", "a", "--listen", "10.143.0.10:443", "--plain-port", "8080"]
    tls = ["--certificate", "/c", "--key", "/k", *attributes["forge_options"].split()]
    found, plain = forge.site_of([*options, *tls])
    assert (found.door.port, plain, str(found.program)) == (443, 8080, gitea_program)


def unpack(root: Path, names: dict[str, bytes]) -> subprocess.CompletedProcess[str]:
    """Run the installer with another place than /opt/gitops."""
    staged = root / "kit"
    (staged / "releases").mkdir(parents=True, exist_ok=True)
    for old in (staged / "releases").iterdir():
        old.unlink()
    for name, data in names.items():
        (staged / "releases" / name).write_bytes(data)
    text = kit.script(kit.UNPACKER).replace("/opt/gitops/releases", str(root / "opt"))
    (staged / "releases.sh").write_text(text)
    return subprocess.run(["sh", staged / "releases.sh", staged], check=True, capture_output=True, text=True)


def test_releases_are_unpacked_and_kept_packed_and_the_one_before_stays(tmp_path: Path) -> None:
    for number in range(4):
        unpack(tmp_path, {f"gitea-1.26.{number}-linux-amd64.xz": DATA, "act_runner-0.2.13-linux-amd64.xz": DATA})
    found = {path.name for path in (tmp_path / "opt").iterdir()}
    names = ("gitea-1.26.2-linux-amd64", "gitea-1.26.3-linux-amd64", "act_runner-0.2.13-linux-amd64")
    assert found == {f"{name}{end}" for name in names for end in ("", ".xz")}
    program = tmp_path / "opt" / names[0]
    assert subprocess.run([program], check=True, capture_output=True, text=True).stdout == "gitea\n"


def test_unpacking_again_changes_nothing(tmp_path: Path) -> None:
    unpack(tmp_path, {"gitea-1.26.3-linux-amd64.xz": DATA})
    before = (tmp_path / "opt" / "gitea-1.26.3-linux-amd64").stat()
    unpack(tmp_path, {"gitea-1.26.3-linux-amd64.xz": DATA})
    after = (tmp_path / "opt" / "gitea-1.26.3-linux-amd64").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
