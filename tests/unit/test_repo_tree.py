"""Content hashes: what changes them and what does not, with git and without."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.repo import git
from harness.repo.tree import Tree, package_digest


@pytest.fixture(params=["git", "plain"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    for name, text in {"recipes/default.rb": "package 'x'\n", "files/a/b": "b", "specs/test_x.py": "pass\n"}.items():
        path = tmp_path / "libs" / "x" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / ".gitignore").write_text("*.log\n")
    if request.param == "git":
        run(tmp_path, "init", "-q")
        run(tmp_path, "add", "-A")
        run(tmp_path, "commit", "-qm", "one")
    return tmp_path


def run(root: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    return subprocess.run(["git", "-C", root, *identity, *arguments], check=True, capture_output=True, text=True).stdout


def digest(root: Path) -> str:
    return Tree(root).digest(root / "libs" / "x")


def test_the_same_files_give_the_same_hash_wherever_they_lie(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    copy = tmp_path_factory.mktemp("elsewhere")
    subprocess.run(["cp", "-a", f"{root}/libs", copy], check=True)
    assert digest(root) == digest(copy)


def test_content_name_and_executable_bit_count(root: Path) -> None:
    before = digest(root)
    recipe = root / "libs/x/recipes/default.rb"
    recipe.write_text("package 'y'\n")
    edited = digest(root)
    recipe.write_text("package 'x'\n")
    assert digest(root) == before
    recipe.chmod(0o755)
    executable = digest(root)
    recipe.chmod(0o644)
    recipe.rename(recipe.with_name("other.rb"))
    assert len({before, edited, executable, digest(root)}) == 4


def test_time_and_other_folders_do_not_count(root: Path) -> None:
    before = digest(root)
    (root / "libs/x/recipes/default.rb").touch()
    (root / "libs/y").mkdir()
    (root / "libs/y/new").write_text("new")
    assert digest(root) == before


def test_a_new_file_counts_before_it_is_committed(root: Path) -> None:
    before = digest(root)
    (root / "libs/x/files/new").write_text("new")
    assert digest(root) != before


def test_caches_do_not_count(root: Path) -> None:
    before = digest(root)
    cache = root / "libs/x/specs/__pycache__"
    cache.mkdir()
    (cache / "test_x.cpython-311.pyc").write_bytes(b"x")
    assert digest(root) == before


def test_a_removed_file_counts(root: Path) -> None:
    before = digest(root)
    (root / "libs/x/files/a/b").unlink()
    assert digest(root) != before


def test_a_link_counts_by_where_it_leads(root: Path) -> None:
    link = root / "libs/x/files/link"
    link.symlink_to("a/b")
    before = digest(root)
    link.unlink()
    link.symlink_to("a/c")
    assert digest(root) != before


def test_a_choice_of_files(root: Path) -> None:
    tree = Tree(root)
    names = [str(path) for path in tree.files(root / "libs" / "x", lambda path: path.parts[0] != "specs")]
    assert names == ["files/a/b", "recipes/default.rb"]


def test_ignored_files_do_not_count_where_there_is_git(root: Path) -> None:
    before = digest(root)
    (root / "libs/x/debug.log").write_text("x")
    assert (digest(root) == before) is git.is_work_tree(root)


def test_files_of_a_submodule_count(root: Path) -> None:
    if not git.is_work_tree(root):
        pytest.skip("needs git")
    inner = root / "libs" / "inner"
    inner.mkdir()
    (inner / "recipe").write_text("one")
    run(inner, "init", "-q")
    run(inner, "add", "-A")
    run(inner, "commit", "-qm", "one")
    before = Tree(root).digest(inner)
    (inner / "recipe").write_text("two")
    assert Tree(root).digest(inner) != before


def test_an_installed_package_is_hashed_by_its_sources(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    before = package_digest(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_bytes(b"1")
    assert package_digest(tmp_path) == before
    (tmp_path / "b.rb").write_text("2")
    assert package_digest(tmp_path) != before


def test_the_commit_and_whether_files_differ_from_it(root: Path) -> None:
    found = git.commit(root)
    if not git.is_work_tree(root):
        assert found is None
        return
    assert found is not None
    assert found.sha == run(root, "rev-parse", "HEAD").strip()
    assert found.label == found.sha[:12]
    (root / "libs/x/recipes/default.rb").write_text("edited")
    edited = git.commit(root)
    assert edited is not None
    assert edited.label == f"{found.sha[:12]}+"


def test_a_repository_without_commits_has_none(tmp_path: Path) -> None:
    run(tmp_path, "init", "-q")
    assert git.commit(tmp_path) is None


def test_a_broken_repository_says_what_to_look_at(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: nowhere\n")
    with pytest.raises(git.RepositoryError, match="git cannot read") as caught:
        Tree(tmp_path).digest(tmp_path)
    assert "git -C" in (caught.value.hint or "")
