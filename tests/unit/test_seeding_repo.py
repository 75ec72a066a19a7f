"""Cutting the working tree into commits: what goes along, what stays, and that the user's git is not touched."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.kit.errors import ConfigurationError, UsageError
from harness.repo import content, parts, snapshot, submodules, worktree
from harness.repo.committing import Author, beginning, commit
from harness.repo.objects import SUBMODULE, Entry, tree_id
from harness.repo.scratch import Scratch

FILES = {
    "README.md": "# all\n",
    "config.env": "ID=110\n",
    ".gitignore": "*.log\n/build/\n",
    "local/.config.json": "{}\n",
    "harness/__init__.py": "",
    "harness/deep/er/x.py": "pass\n",
    "libs/broker/config.env": "ID=111\n",
    "libs/broker/recipes/default.rb": "package 'x'\n",
    "libs/helpers/libraries/common.rb": "module Common; end\n",
    "libs/README.md": "libraries\n",
}


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def git(root: Path, *argv: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always")
    return subprocess.run(["git", "-C", root, *identity, *argv], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    return Scratch.open(tmp_path / "scratch.git")


@pytest.fixture(params=["git", "plain"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    root = write(tmp_path / "tree", FILES)
    (root / "run").write_text("#!/bin/sh\n")
    (root / "run").chmod(0o755)
    (root / "link").symlink_to("README.md")
    if request.param == "git":
        git(root, "init", "-q")
        git(root, "add", "-A")
        git(root, "commit", "-qm", "one")
    return root


def test_tracked_and_untracked_files_go_along_and_ignored_ones_stay(root: Path, scratch: Scratch) -> None:
    write(root, {"new/untracked.txt": "x", "noise.log": "x", "build/out": "x", "libs/broker/b.log": "x"})
    assert set(worktree.files(root, scratch.path)) == {*FILES, "run", "link", "new/untracked.txt"}


@pytest.mark.parametrize(
    "path", ["local/config.json", "local/share/embedded/login.json", "config.local.env", "libs/broker/config.local.env"]
)
def test_secret_files_stay_even_when_git_tracks_them(root: Path, scratch: Scratch, path: str) -> None:
    write(root, {path: "secret"})
    if (root / ".git").exists():
        git(root, "add", "-f", path)
    assert path not in worktree.files(root, scratch.path)


def test_droppings_of_editors_and_tools_stay(root: Path, scratch: Scratch) -> None:
    write(root, {"local/.config.json.swp": "x", "config.env~": "x", "harness/__pycache__/x.pyc": "x"})
    assert set(worktree.files(root, scratch.path)) == {*FILES, "run", "link"}


def test_a_file_that_was_deleted_is_not_in_the_snapshot(root: Path, scratch: Scratch) -> None:
    (root / "libs/broker/recipes/default.rb").unlink()
    assert "libs/broker/recipes/default.rb" not in snapshot.take(root, scratch.path).files


def test_trees_are_named_as_git_names_them(root: Path, scratch: Scratch) -> None:
    write(root, {"harness.txt": "sorts between", "harness-x/y": "and here", "ünï/cödé": "x", 'we "quote"\n': "x"})
    taken = snapshot.take(root, scratch.path)
    sha = commit(
        scratch,
        taken.files,
        lambda path: snapshot.read(root / path),
        parents=(beginning(scratch),),
        message="all",
        author=Author("Ann <x>\n", "ann@example.org"),
        when=1_700_000_000,
        ref="refs/made/all",
    )
    assert scratch.tree_of(sha) == tree_id(taken.files)
    assert scratch.entries(sha) == dict(taken.files)
    assert scratch.text("log", "-1", "--format=%an|%ae|%at|%s", sha) == "Ann x|ann@example.org|1700000000|all"
    assert taken.files["run"].mode == "100755"
    assert taken.files["link"].mode == "120000"


def test_neither_index_nor_files_of_the_user_are_touched(tmp_path: Path, scratch: Scratch) -> None:
    root = write(tmp_path / "tree", FILES)
    git(root, "init", "-q")
    git(root, "add", "README.md")
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    taken = snapshot.take(root, scratch.path)
    commit(
        scratch, taken.files, lambda path: snapshot.read(root / path), parents=(), message="m", author=Author(),
        when=1, ref="refs/made/x",
    )  # fmt: skip
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


def test_the_first_commit_is_the_same_everywhere(tmp_path: Path) -> None:
    shas = {beginning(Scratch.open(tmp_path / name)) for name in ("one.git", "two.git")}
    assert len(shas) == 1


def test_the_tree_is_cut_into_harness_libraries_and_the_rest(root: Path, scratch: Scratch) -> None:
    found = {part.name: part for part in parts.split(root, snapshot.take(root, scratch.path).files)}
    assert list(found) == ["harness", "broker", "helpers", "config"]
    assert set(found["broker"].files) == {"config.env", "recipes/default.rb"}
    assert set(found["config"].files) == {
        "README.md", "config.env", ".gitignore", "local/.config.json", "libs/README.md", "run", "link",
    }  # fmt: skip
    assert [name for name, part in found.items() if part.container] == ["broker"]


@pytest.mark.parametrize("name", ["config", "Harness", "a b", "x.git", "-x", "BROKER"])
def test_a_library_that_cannot_be_a_repository_is_named(root: Path, scratch: Scratch, name: str) -> None:
    write(root, {f"libs/{name}/config.env": "x"})
    with pytest.raises(ConfigurationError) as caught:
        parts.split(root, snapshot.take(root, scratch.path).files)
    assert name in str(caught.value.problems[0])


def test_a_tree_with_submodules_has_the_same_hash_as_the_flat_one(root: Path, scratch: Scratch, tmp_path: Path) -> None:
    taken = snapshot.take(root, scratch.path)
    flat = content.of_files(taken.files)
    made = {}
    for part in parts.split(root, taken.files):
        links = {f"libs/{n}" if n != "harness" else n: sha for n, sha in made.items()} if not part.path else {}
        sources = {
            **{path: snapshot.read(root / part.path / path) for path in part.files},
            ".gitmodules": submodules.render(links),
        }
        laid_in = {".gitea/workflows/gitops-deploy.yml": Entry("100644", "x")} if part.container else {}
        files = {**part.files, **submodules.entries(links)}
        assert content.of_files({f"{part.path}/{path}".lstrip("/"): e for path, e in laid_in.items()}) == (
            content.of_files({})
        )
        made[part.name] = commit(
            scratch, files, sources.get, parents=(beginning(scratch),), message=part.name, author=Author(),
            when=1, ref=f"refs/heads/{part.name}",
        )  # fmt: skip
        bare = tmp_path / "forge" / f"{part.name}.git"
        git(tmp_path, "init", "-q", "--bare", "-b", "main", str(bare))
        scratch.run("push", "-q", str(bare), f"{made[part.name]}:refs/heads/main")
    git(tmp_path, "clone", "-q", "--recurse-submodules", str(tmp_path / "forge/config.git"), "clone")
    clone = tmp_path / "clone"
    write(clone, {"libs/broker/.gitea/workflows/gitops-deploy.yml": "on: push\n"})
    assert content.of_tree(root) == flat
    assert content.of_tree(clone) == flat
    (clone / "run").chmod(0o644)
    assert content.of_tree(clone) != flat


def test_a_submodule_that_was_never_fetched_is_not_taken_for_removed(tmp_path: Path, scratch: Scratch) -> None:
    root = write(tmp_path / "tree", {"x": "x"})
    git(root, "init", "-q")
    git(root, "update-index", "--add", "--cacheinfo", f"{SUBMODULE},{'1' * 40},libs/broker")
    (root / "libs/broker").mkdir(parents=True)
    with pytest.raises(UsageError, match="libs/broker"):
        worktree.files(root, scratch.path)


def test_files_that_change_while_they_are_read_are_noticed(root: Path, scratch: Scratch) -> None:
    taken = snapshot.take(root, scratch.path)
    with pytest.raises(Exception, match="changed while"):
        commit(
            scratch, taken.files, lambda _: b"something else", parents=(), message="m", author=Author(), when=1,
            ref="refs/made/x",
        )  # fmt: skip


def test_addresses_of_submodules_name_no_forge() -> None:
    assert b"url = ../broker.git\n" in submodules.render(["libs/broker", "harness"])
    assert b"http" not in submodules.render(["libs/broker"])
