"""The forge's git: names, pushes, merges without a work tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.embedded.forge.git import history, locks, merging, names, trees
from harness.embedded.forge.git.repository import GitRepository, StaleRefError
from harness.embedded.forge.git.trees import Edit, Identity
from harness.embedded.forge.git_push import Command, read_commands

_ANN, _BOB = Identity("Ann", "ann@example.com"), Identity("Bob", "bob@example.com")


@pytest.fixture
def git(tmp_path: Path) -> GitRepository:
    made = GitRepository(tmp_path / "1.git")
    made.create("main")
    return made


def _commit(git: GitRepository, parent: str | None, files: dict[str, str | None], message: str = "x") -> str:
    edits = [
        Edit(path, trees.write_blob(git, text.encode()) if text is not None else None) for path, text in files.items()
    ]
    tree = trees.edited_tree(git, parent, edits)
    return trees.commit_tree(git, tree, [parent] if parent else [], f"{message}\n", _ANN, _ANN)


def _files(git: GitRepository, commit: str) -> dict[str, str]:
    found = trees.entries(git, commit, recursive=True)
    return {one.path: git.blob(one.sha).decode() for one in found if one.kind == "blob"}


@pytest.mark.parametrize(
    "name",
    ["", "-x", "/x", "x/", "a..b", "a b", "a~1", "a^", "a:b", "a?", "x.lock", "x.lock/y", "@", "a@{1}", "a\\b", ".x"],
)
def test_names_that_git_would_misread_are_no_refs(name: str) -> None:
    assert not names.is_ref_name(name)


@pytest.mark.parametrize("path", ["", "/a", "a/../b", "a/./b", ".git/x", "a/.GIT/x", "a//b", "a\0b", "git~1/x"])
def test_paths_that_leave_the_tree_are_refused(path: str) -> None:
    assert not names.is_tree_path(path)


def test_a_revision_is_a_branch_a_tag_or_a_commit_and_nothing_else(git: GitRepository) -> None:
    first = _commit(git, None, {"a": "1\n"})
    git.move("refs/heads/main", first, names.ZERO)

    assert git.resolve("main") == git.resolve(first[:8]) == git.resolve("refs/heads/main") == first
    assert [git.resolve(rev) for rev in ("main~0", "main:a", "HEAD^{commit}", "--all", "@")] == [None] * 5


def test_a_ref_moves_only_from_what_it_held(git: GitRepository) -> None:
    first = _commit(git, None, {"a": "1\n"})
    second = _commit(git, first, {"a": "2\n"})
    git.move("refs/heads/main", first, names.ZERO)

    with pytest.raises(StaleRefError):
        git.move("refs/heads/main", second, second)
    assert git.branch("main") == first


def test_a_merge_holds_both_sides_and_has_both_parents(git: GitRepository) -> None:
    root = _commit(git, None, {"a": "1\n", "b": "1\n"})
    ours, theirs = _commit(git, root, {"a": "2\n"}), _commit(git, root, {"b": "2\n"})

    made = history.read(git, merging.merge(git, ours, theirs, "merged\n", _BOB))

    assert _files(git, made.sha) == {"a": "2\n", "b": "2\n"}
    assert (made.parents, made.author.name, made.message) == ((ours, theirs), "Bob", "merged\n")


def test_both_sides_changing_a_line_is_a_conflict_that_names_the_file(git: GitRepository) -> None:
    root = _commit(git, None, {"a": "1\n"})
    ours, theirs = _commit(git, root, {"a": "2\n"}), _commit(git, root, {"a": "3\n"})

    with pytest.raises(merging.MergeConflictError) as conflict:
        merging.merge(git, ours, theirs, "merged\n", _BOB)

    assert conflict.value.files[0] == "a"


def test_a_rebase_keeps_authors_and_order_and_drops_what_is_there_already(git: GitRepository) -> None:
    root = _commit(git, None, {"a": "1\n"})
    base = _commit(git, _commit(git, root, {"c": "1\n"}), {"b": "1\n"})
    head = _commit(
        git, _commit(git, _commit(git, root, {"b": "1\n"}, "same"), {"d": "1\n"}, "one"), {"e": "1\n"}, "two"
    )

    tip = merging.rebase(git, base, head, _BOB)
    found = history.walk(git, [tip, f"^{base}"])

    assert [one.title for one in found] == ["two", "one"]
    assert {(one.author.name, one.committer.name) for one in found} == {("Ann", "Bob")}
    assert set(_files(git, tip)) == {"a", "b", "c", "d", "e"}


def test_a_squash_is_one_commit_on_the_base(git: GitRepository) -> None:
    root = _commit(git, None, {"a": "1\n"})
    head = _commit(git, _commit(git, root, {"b": "1\n"}), {"c": "1\n"})

    made = history.read(git, merging.squash(git, root, head, "all\n", _ANN, _BOB))

    assert (made.parents, set(_files(git, made.sha))) == ((root,), {"a", "b", "c"})
    assert (made.author.name, made.committer.name) == ("Ann", "Bob")


def test_changes_tell_added_modified_removed_and_renamed_files(git: GitRepository) -> None:
    long = "".join(f"{number}\n" for number in range(30))
    old = _commit(git, None, {"a": "1\n", "gone": "bye\n", "old name": long})
    new = _commit(git, old, {"a": "2\n", "gone": None, "new\tname": long, "old name": None, "ü": "1\n"})

    found = {one.path: one for one in history.between(git, old, new)}

    assert {path: one.status for path, one in found.items()} == {"a": "M", "gone": "D", "new\tname": "R", "ü": "A"}
    assert found["new\tname"].previous == "old name"
    assert (found["a"].additions, found["a"].deletions) == (1, 1)


def test_the_last_commit_of_each_entry_is_found_also_below_directories(git: GitRepository) -> None:
    first = _commit(git, None, {"a": "1\n", "d/x/y": "1\n", "d/z": "1\n"})
    second = _commit(git, first, {"d/x/y": "2\n"})

    assert trees.last_commits(git, second, "", ["a", "d"]) == {"a": first, "d": second}
    assert trees.last_commits(git, second, "d", ["d/x", "d/z"]) == {"d/x": second, "d/z": first}


def _pkt(text: str) -> bytes:
    return f"{len(text) + 4:04x}{text}".encode()


def test_the_commands_of_a_push_are_read_when_they_are_whole() -> None:
    old, new = "0" * 40, "1" * 40
    data = _pkt(f"{old} {new} refs/heads/main\0 report-status") + _pkt(f"{new} {old} refs/heads/x\n") + b"0000PACK"

    assert read_commands(data) == [Command(old, new, "refs/heads/main"), Command(new, old, "refs/heads/x")]
    assert all(read_commands(data[:length]) is None for length in range(len(data) - 8))


@pytest.mark.parametrize("data", [b"zzzz", b"0003", b"-001"])
def test_what_is_no_push_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"invalid literal|pkt-line"):
        read_commands(data)


def test_old_locks_are_removed_and_young_ones_stay(git: GitRepository) -> None:
    lock = git.path / "refs/heads/main.lock"
    lock.touch()
    made = lock.stat().st_mtime

    assert locks.clear_stale_locks(git.path.parent, now=made + 1) == 0
    assert locks.clear_stale_locks(git.path.parent, now=made + 60) == 1
    assert not lock.exists()
