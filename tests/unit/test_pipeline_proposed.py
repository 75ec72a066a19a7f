"""A proposal's files are written out as data; what could reach beyond them is refused."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from harness.kit.errors import ConfigurationError
from harness.pipeline import proposed, scope
from harness.pipeline.proposed import Piece, Proposed
from harness.repo.remote import Remote
from harness.repo.scratch import Scratch

FILE, PROGRAM, LINK, TREE, PART = "100644", "100755", "120000", "40000", "160000"
ROOT = Piece("main/config", "")


class Repository:
    """Trees made by hand, as no git client would make them."""

    def __init__(self, path: Path) -> None:
        self.scratch = Scratch.open(path)

    def blob(self, data: bytes) -> str:
        return self._write("blob", data)

    def tree(self, *entries: tuple[str, str, str]) -> str:
        """``(mode, name, object)`` as they are, in this order."""
        raw = b"".join(f"{mode} {name}".encode() + b"\0" + bytes.fromhex(oid) for mode, name, oid in entries)
        return self._write("tree", raw)

    def commit(self, tree: str) -> str:
        who = "a <a@example.org> 0 +0000"
        return self._write("commit", f"tree {tree}\nauthor {who}\ncommitter {who}\n\nx\n".encode())

    def _write(self, kind: str, data: bytes) -> str:
        done = self.scratch.run("hash-object", "--literally", "-t", kind, "-w", "--stdin", stdin=data)
        return done.text.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "scratch.git")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    place = tmp_path / "data" / "files"
    place.mkdir(parents=True)
    return place


def write(repository: Repository, target: Path, tree: str, place: str = "", **newer: str) -> None:
    nowhere = Remote("http://127.0.0.1:9")
    writer = Proposed(target, repository.scratch, nowhere, newer)
    writer.write(Piece("main/config", repository.commit(tree), place))
    writer.finish()


def refused(repository: Repository, target: Path, tree: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        write(repository, target, tree)
    return "\n".join(str(problem) for problem in caught.value.problems)


def test_files_programs_and_links_are_written_as_they_are(repository: Repository, target: Path) -> None:
    text, link = repository.blob(b"a\r\n$Id$\n"), repository.blob(b"sub/run")
    inner = repository.tree((PROGRAM, "run", text))
    attributes = repository.blob(b"* text eol=lf ident filter=steal\n")
    tree = repository.tree((FILE, ".gitattributes", attributes), (LINK, "link", link), (TREE, "sub", inner))
    write(repository, target, tree, "libs/x")
    assert (target / "libs/x/sub/run").read_bytes() == b"a\r\n$Id$\n"
    assert os.access(target / "libs/x/sub/run", os.X_OK)
    assert (target / "libs/x/link").readlink() == Path("sub/run")


@pytest.mark.parametrize("name", ["..", ".", ".git", ".GIT", ".Git"])
def test_names_that_mean_something_to_the_system_are_refused(repository: Repository, target: Path, name: str) -> None:
    inner = repository.tree((FILE, "config", repository.blob(b"x")))
    assert "no such name" in refused(repository, target, repository.tree((TREE, name, inner)))
    assert not (target.parent / "config").exists()


@pytest.mark.parametrize(
    "where", ["/etc/passwd", "../outside", "..", "sub/../../outside", "/proc/self/environ", "a/b/../../../x"]
)
def test_a_link_that_leads_out_is_refused_and_nothing_stays(repository: Repository, target: Path, where: str) -> None:
    tree = repository.tree((LINK, "link", repository.blob(where.encode())))
    assert "leads out of the repository" in refused(repository, target, tree)
    assert not target.exists()


def test_a_link_through_a_link_is_not_followed_out(repository: Repository, target: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    first = repository.blob(str(outside).encode())
    below = repository.tree((LINK, "b", repository.blob(b"x")))
    tree = repository.tree((LINK, "a", first), (TREE, "a", below))
    assert refused(repository, target, tree)
    assert list(outside.iterdir()) == []


def test_a_chain_of_links_is_judged_by_where_it_ends(repository: Repository, target: Path) -> None:
    file = repository.blob(b"x")
    deep = repository.tree((TREE, "deeper", repository.tree((FILE, "f", file))))
    tree = repository.tree(
        (TREE, "deep", deep),
        (LINK, "short", repository.blob(b"deep/deeper")),
        (LINK, "way", repository.blob(b"short/../../../out")),
    )
    assert "leads out" in refused(repository, target, tree)


def test_a_name_that_is_a_file_and_a_folder_is_refused(repository: Repository, target: Path) -> None:
    file = repository.blob(b"x")
    tree = repository.tree((FILE, "a", file), (TREE, "a", repository.tree((FILE, "b", file))))
    assert "cannot be written" in refused(repository, target, tree)


def test_a_part_comes_from_the_forge_s_own_repository_only(repository: Repository, target: Path) -> None:
    part = repository.commit(repository.tree((FILE, "config.env", repository.blob(b"ID=1\n"))))
    modules = repository.blob(b'[submodule "x"]\n\tpath = libs/x\n\turl = ext::sh -c "touch /tmp/stolen"\n')
    libs = repository.tree((PART, "x", part))
    write(repository, target, repository.tree((FILE, ".gitmodules", modules), (TREE, "libs", libs)))
    assert (target / "libs/x/config.env").read_text() == "ID=1\n"


def test_a_part_elsewhere_is_refused(repository: Repository, target: Path) -> None:
    part = repository.commit(repository.tree())
    assert "a submodule" in refused(repository, target, repository.tree((PART, "vendor", part)))


def test_a_newer_release_of_a_part_is_taken_instead(repository: Repository, target: Path) -> None:
    old = repository.commit(repository.tree((FILE, "f", repository.blob(b"old"))))
    new = repository.commit(repository.tree((FILE, "f", repository.blob(b"new"))))
    tree = repository.tree((TREE, "libs", repository.tree((PART, "x", old))))
    write(repository, target, tree, **{"libs/x": new})
    assert (target / "libs/x/f").read_text() == "new"


def test_a_proposal_that_is_too_large_is_refused(
    repository: Repository, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proposed, "MOST_BYTES", 10)
    assert "too large" in refused(repository, target, repository.tree((FILE, "a", repository.blob(b"x" * 11))))
    monkeypatch.setattr(proposed, "MOST_FILES", 1)
    file = repository.blob(b"")
    assert "too large" in refused(repository, target, repository.tree((FILE, "a", file), (FILE, "b", file)))


def test_what_lies_beneath_is_copied_without_secrets_and_state(tmp_path: Path) -> None:
    trusted, target = tmp_path / "trusted", tmp_path / "target"
    for name in ("config.env", "local/config.json", "local/monorepo-id", "local/share/key", "libs/x/a", "libs/y/b"):
        (trusted / name).parent.mkdir(parents=True, exist_ok=True)
        (trusted / name).write_text(name)
    subprocess.run(["git", "init", "-q", trusted], check=True)
    proposed.lay_beneath(target, trusted, without="libs/x")
    found = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    assert found == {"config.env", "local/monorepo-id", "libs/y/b"}


def test_a_proposal_without_an_identity_belongs_to_the_repository_it_is_made_to(tmp_path: Path) -> None:
    trusted, target = tmp_path / "trusted", tmp_path / "target"
    (trusted / "local").mkdir(parents=True)
    target.mkdir()
    (trusted / "local/monorepo-id").write_text("mr-0123456789abcdef\n")
    proposed.lend_identity(target, trusted)
    assert (target / "local/monorepo-id").read_text() == "mr-0123456789abcdef\n"
    (target / "local/monorepo-id").write_text("mr-ffffffffffffffff\n")
    proposed.lend_identity(target, trusted)
    assert (target / "local/monorepo-id").read_text() == "mr-ffffffffffffffff\n"


def test_a_repository_without_a_container_names_the_file_that_it_lacks() -> None:
    (own,) = proposed.missing(scope.of("main/probe")).problems
    (stage,) = proposed.missing(scope.of("stage/probe")).problems
    assert (own.place, own.found) == ("libs/probe/config.env", "no container probe")
    assert (stage.place, stage.found) == ("libs/probe/config.stage.env", "no container stage-probe")
    assert stage.rule == "a stage has a config.stage.env with ID and IP of its own"
