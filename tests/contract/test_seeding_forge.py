"""Seeding a forge: first, again, after changes on both sides. Every test has a forge of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.forge import branches, organisations, pulls, repositories
from harness.forge.client import Address, Forge, Login
from harness.forge.errors import ForgeUnreachable, LoginRefused
from harness.kit.secret import Secret
from harness.lifecycle.seeding.pointers import bump
from harness.lifecycle.seeding.releases import of_config
from harness.lifecycle.seeding.report import Outcome
from harness.lifecycle.seeding.seed import seed
from harness.repo import content, snapshot
from tests.contract.seeding_world import World, git, of, world, write

TASKS = ("tasks/deploy", "tasks/health", "tasks/update")
PARTS = ("main/harness", "main/helpers", "main/broker", "main/proxy")


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def heads(here: World) -> dict[str, dict[str, str]]:
    """Every branch of every repository."""
    slugs = [entry.slug for name in ("main", "stage") for entry in organisations.repositories(here.forge, name)]
    return {slug: branches.heads(here.forge, slug) for slug in slugs}


# The first time


def test_an_empty_forge_gets_repositories_submodules_and_the_release_pull_request(here: World) -> None:
    seeded = here.seed()
    parts = {"main/config", *PARTS, "stage/broker", "stage/proxy"}
    assert {entry.slug for entry in seeded.repositories} == {*parts, *TASKS}
    for slug in parts:
        assert set(branches.heads(here.forge, slug)) == {"main", "release", "snapshot", "rollback"}
    shown = here.show("main/config")
    assert {f"main/{path.rpartition('/')[2]}": sha for path, sha in shown.items() if len(sha) == 40} == {
        slug: here.head(slug) for slug in PARTS
    }
    assert "url = ../broker.git" in shown[".gitmodules"]
    request = pulls.get(here.forge, "main/config", 1)
    assert (request.title, request.base, request.head, request.open) == (
        "Release Pull Request",
        "release",
        "main",
        True,
    )
    assert seeded.release == request


def test_containers_get_the_shared_workflows_and_a_stage_fork_with_a_pull_request(here: World) -> None:
    seeded = here.seed()
    assert any(path.startswith(".gitea/workflows/gitops-") for path in here.show("main/broker"))
    fork = repositories.find(here.forge, "stage/broker")
    assert fork is not None
    assert fork.parent == "main/broker"
    request = of(seeded, "stage/broker").release
    assert request is not None
    assert (request.number, request.base, request.head) == (1, "release", "main")
    assert "config.stage.env" in pulls.get(here.forge, "stage/proxy", 1).body
    assert of(seeded, "main/broker").release is None


def test_the_forge_inside_pve_gets_a_release_pull_request_in_every_container_repository(here: World) -> None:
    seeded = here.seed(all_requests=True)
    assert {entry.slug for entry in seeded.repositories if entry.release} == {
        "main/config", "main/broker", "main/proxy", "stage/broker", "stage/proxy",
    }  # fmt: skip


def test_ignored_and_secret_files_never_arrive(here: World) -> None:
    secrets = {"local/config.json": "s3cret", "libs/broker/config.local.env": "s3cret", "noise.log": "s3cret"}
    write(here.root, secrets)
    git(here.root, "init", "-q")
    git(here.root, "add", "-f", "local/config.json")  # by mistake
    here.seed()
    assert not set(secrets) & set(here.show("main/config"))
    assert "config.local.env" not in here.show("main/broker")
    stored = "".join(str(text) for slug in ("main/config", "main/broker") for text in here.show(slug).values())
    assert "s3cret" not in stored


def test_release_moves_by_merges_only(here: World) -> None:
    here.seed()
    clone = here.clone("main/config", "clone")
    assert "failed" in git(clone, "push", "origin", "origin/main:refs/heads/release", check=False)
    here.merge("main/config", 1)
    assert here.show("main/config", "release") == here.show("main/config")


# Again


def test_seeding_again_unchanged_moves_nothing(here: World) -> None:
    first = here.seed()
    before = heads(here)
    again = here.seed()
    assert not again.changed
    assert heads(here) == before
    assert again.release == first.release


def test_a_change_moves_its_part_and_the_pointer_and_rollback_holds_what_stood_there(here: World) -> None:
    first = here.seed()
    write(here.root, {"libs/broker/recipes/default.rb": "package 'other'\n"})
    again = here.seed()
    assert {entry.slug for entry in again.repositories if entry.outcome is not Outcome.UNCHANGED} == {
        "main/broker", "main/config", "stage/broker",
    }  # fmt: skip
    assert here.show("main/broker")["recipes/default.rb"] == "package 'other'"
    assert here.show("main/config")["libs/broker"] == here.head("main/broker")
    for slug in ("main/broker", "main/config", "stage/broker"):
        assert here.head(slug, "rollback") == of(first, slug).head
    assert again.release is not None
    assert again.release.number == 1
    assert pulls.get(here.forge, "main/config", 1).head_sha == here.head("main/config")


def test_after_the_release_the_next_change_opens_the_next_pull_request(here: World) -> None:
    here.seed()
    here.merge("main/config", 1)
    assert here.seed().release is None
    write(here.root, {"config.env": "ID=110\nIP=192.0.2.10\nMEMORY=2048\n"})
    release = here.seed().release
    assert release is not None
    assert release.number > 1


def test_a_tree_that_was_changed_back_moves_forward_to_the_older_content(here: World) -> None:
    here.seed()
    old = here.show("main/proxy")
    write(here.root, {"libs/proxy/recipes/default.rb": "package 'x'\n"})
    here.seed()
    write(here.root, {"libs/proxy/recipes/default.rb": "package 'caddy'\n"})
    assert of(here.seed(), "main/proxy").outcome is Outcome.MOVED
    assert here.show("main/proxy") == old


# Where the forge has more


def test_commits_that_the_tree_lacks_are_not_overwritten_but_asked_about(here: World) -> None:
    here.seed()
    other = here.push("main/broker", {"notes.md": "by hand\n"})
    write(here.root, {"libs/broker/recipes/default.rb": "package 'other'\n"})
    seeded = of(here.seed(), "main/broker")
    assert seeded.outcome is Outcome.ASKED
    assert here.head("main/broker") == other
    assert seeded.request is not None
    assert (seeded.request.base, seeded.request.open) == ("main", True)
    again = of(here.seed(), "main/broker")
    assert again.request is not None
    assert again.request.number == seeded.request.number
    write(here.root, {"libs/broker/recipes/default.rb": "package 'third'\n"})
    third = of(here.seed(), "main/broker")
    assert third.request is not None
    assert third.request.number == seeded.request.number
    here.merge("main/broker", seeded.request.number)
    shown = here.show("main/broker")
    assert (shown["notes.md"], shown["recipes/default.rb"]) == ("by hand", "package 'third'")
    assert of(here.seed(), "main/broker").outcome is Outcome.AHEAD
    write(here.root, {"libs/broker/notes.md": "by hand\n"})  # pulled
    assert of(here.seed(), "main/broker").outcome is Outcome.UNCHANGED
    write(here.root, {"libs/broker/recipes/default.rb": "package 'fourth'\n"})
    assert of(here.seed(), "main/broker").outcome is Outcome.MOVED


def test_where_the_tree_has_nothing_new_the_forge_stays_ahead(here: World) -> None:
    here.seed()
    other = here.push("main/broker", {"notes.md": "by hand\n"})
    seeded = here.seed()
    assert of(seeded, "main/broker").outcome is Outcome.AHEAD
    assert here.head("main/broker") == other
    assert here.show("main/config")["libs/broker"] == other
    assert pulls.listed(here.forge, "main/broker") == []


def test_a_moved_pointer_is_no_commit_that_the_tree_lacks(here: World) -> None:
    here.seed()
    other = here.push("main/broker", {"notes.md": "by hand\n"})
    assert bump(here.forge, here.path / "job.git", "broker")
    write(here.root, {"config.env": "ID=110\nIP=192.0.2.10\nMEMORY=2048\n"})
    seeded = here.seed()
    assert seeded.config.outcome is Outcome.MOVED
    assert here.show("main/config")["libs/broker"] == other


def test_changed_files_of_config_on_both_sides_are_asked_about_and_pointers_still_follow(here: World) -> None:
    here.seed()
    here.push("main/config", {"README.md": "# ours\n"})
    write(here.root, {"config.env": "ID=110\n", "libs/proxy/recipes/default.rb": "package 'new'\n"})
    seeded = here.seed()
    assert seeded.config.outcome is Outcome.ASKED
    assert here.show("main/config")["README.md"] == "# ours"
    assert here.show("main/config")["libs/proxy"] == here.head("main/proxy")
    assert seeded.config.request is not None
    here.merge("main/config", seeded.config.request.number)
    assert here.show("main/config")["config.env"] == "ID=110"


def test_a_workstation_that_never_seeded_asks_instead_of_overwriting(here: World) -> None:
    here.seed()
    stranger = shutil.copytree(here.root, here.path / "stranger")
    write(stranger, {"config.env": "ID=119\n"})
    before = here.head("main/config")
    assert here.seed(stranger, "stranger.git").config.outcome is Outcome.ASKED
    assert here.head("main/config") == before


def test_the_stage_keeps_commits_of_its_own_and_is_asked_about_the_originals(here: World) -> None:
    here.seed()
    own = here.push("stage/broker", {"config.stage.env": "ID=299\n"})
    write(here.root, {"libs/broker/recipes/default.rb": "package 'other'\n"})
    seeded = of(here.seed(), "stage/broker")
    assert here.head("stage/broker") == own
    assert seeded.request is not None
    here.merge("stage/broker", seeded.request.number)
    assert here.show("stage/broker")["recipes/default.rb"] == "package 'other'"
    assert of(here.seed(), "stage/broker").outcome is Outcome.UNCHANGED


def test_a_task_that_a_person_has_changed_is_theirs(here: World) -> None:
    here.seed()
    assert any("schedule" in text for text in here.show("tasks/health").values())
    own = here.push("tasks/health", {".gitea/workflows/health.yml": "on: workflow_dispatch\n"})
    assert of(here.seed(), "tasks/health").outcome is Outcome.AHEAD
    assert here.head("tasks/health") == own


# Libraries come and go


def test_a_new_library_gets_repository_submodule_fork_and_pull_requests(here: World) -> None:
    here.seed()
    write(here.root, {"libs/web/config.env": "ID=120\n"})
    seeded = here.seed(all_requests=True)
    assert of(seeded, "main/web").outcome is Outcome.CREATED
    assert here.show("main/config")["libs/web"] == here.head("main/web")
    for slug in ("main/web", "stage/web"):
        request = of(seeded, slug).release
        assert request is not None
        assert request.title == "Release Pull Request"


def test_a_removed_library_is_archived_and_comes_back_writable(here: World) -> None:
    here.seed()
    repositories.create(here.admin, "main", "somebody-elses")
    away = here.path / "away"
    shutil.move(here.root / "libs/proxy", away)
    assert here.seed().archived == ("main/proxy", "stage/proxy")
    assert "libs/proxy" not in here.show("main/config")
    archived = {entry.slug for entry in organisations.repositories(here.forge, "main") if entry.archived}
    assert archived == {"main/proxy"}
    assert here.seed().archived == ()
    shutil.move(away, here.root / "libs/proxy")
    seeded = here.seed()
    assert of(seeded, "main/proxy").outcome is Outcome.UNCHANGED
    assert here.show("main/config")["libs/proxy"] == here.head("main/proxy")
    write(here.root, {"libs/proxy/recipes/default.rb": "package 'x'\n"})
    assert of(here.seed(), "main/proxy").outcome is Outcome.MOVED
    assert of(here.seed(), "stage/proxy").outcome is Outcome.UNCHANGED


def test_a_repository_that_was_deleted_is_made_again(here: World) -> None:
    first = here.seed()
    here.admin.delete(repositories.path("main/broker"))
    seeded = of(here.seed(), "main/broker")
    assert seeded.outcome is Outcome.CREATED
    assert seeded.head == of(first, "main/broker").head
    assert set(branches.heads(here.forge, "main/broker")) == {"main", "release", "snapshot", "rollback"}


# Clones and hops


def test_the_content_hash_is_the_same_in_tree_clone_and_the_next_forge(here: World, tmp_path: Path) -> None:
    seeded = here.seed()
    assert content.of_tree(here.root) == seeded.content
    clone = here.clone("main/config", "clone", "--recurse-submodules")
    assert content.of_tree(clone) == seeded.content
    with world(tmp_path / "inside") as inside:
        hopped = inside.seed(clone, all_requests=True)
        assert hopped.content == seeded.content
        for slug in ("main/config", *PARTS):
            assert inside.head(slug) == here.head(slug)
        assert content.of_tree(inside.clone("main/config", "clone", "--recurse-submodules")) == seeded.content


def test_a_clone_that_was_pulled_seeds_forward_and_one_that_was_not_asks(here: World) -> None:
    here.seed()
    clone = here.clone("main/config", "clone", "--recurse-submodules")
    write(clone, {"libs/broker/recipes/default.rb": "package 'clone'\n"})
    assert of(here.seed(clone, "clone.git"), "main/broker").outcome is Outcome.MOVED
    late = here.clone("main/config", "late", "--recurse-submodules")
    here.push("main/proxy", {"notes.md": "by hand\n"})
    write(late, {"libs/proxy/recipes/default.rb": "package 'late'\n"})
    assert of(here.seed(late, "late.git"), "main/proxy").outcome is Outcome.ASKED


def test_a_clone_whose_submodules_were_not_fetched_removes_nothing(here: World) -> None:
    here.seed()
    before = heads(here)
    clone = here.clone("main/config", "clone")
    with pytest.raises(Exception, match="has not been fetched") as caught:
        here.seed(clone, "clone.git")
    assert "submodule update" in str(getattr(caught.value, "hint", ""))
    assert heads(here) == before


# One truth between config and its parts


def test_a_commit_in_a_part_moves_its_pointer_once(here: World) -> None:
    here.seed()
    before = here.show("main/config")
    sha = here.push("main/broker", {"notes.md": "by hand\n"})
    scratch = here.path / "job.git"
    assert bump(here.forge, scratch, "broker") == here.head("main/config")
    assert here.show("main/config") == {**before, "libs/broker": sha}
    assert bump(here.forge, scratch, "broker") is None
    assert bump(here.forge, scratch, "nothing-of-ours") is None
    assert here.head("main/broker") == sha


def test_a_release_deploys_no_older_part_than_the_part_has_released(here: World) -> None:
    here.seed(all_requests=True)
    old = here.head("main/config")
    here.push("main/broker", {"notes.md": "released\n"})
    released = here.merge("main/broker", 1)
    assert released.merged
    by_name = {entry.name: entry for entry in of_config(here.forge, here.path / "job.git", old)}
    assert by_name["broker"].overruled
    assert by_name["broker"].sha == here.head("main/broker", "release")
    assert not by_name["proxy"].overruled


def test_a_pointer_that_has_what_was_released_stays(here: World) -> None:
    here.seed(all_requests=True)
    here.merge("main/broker", 1)
    here.push("main/broker", {"notes.md": "newer than the release\n"})
    bump(here.forge, here.path / "job.git", "broker")
    by_name = {entry.name: entry for entry in of_config(here.forge, here.path / "job.git", here.head("main/config"))}
    assert by_name["broker"].sha == here.head("main/broker")
    assert not by_name["broker"].overruled


# What goes wrong


def test_a_wrong_password_and_a_forge_that_is_not_there_are_told_apart(here: World) -> None:
    wrong = Forge(here.forge.address, Login("root", Secret("wrong-password")))
    with pytest.raises(LoginRefused):
        seed(wrong, here.root, here.path / "seed.git")
    nowhere = Forge(Address("http://127.0.0.1:9"), Login("root", Secret("wrong-password")))
    with pytest.raises(ForgeUnreachable):
        seed(nowhere, here.root, here.path / "seed.git")


def test_a_file_that_is_saved_meanwhile_is_taken_as_it_is_then(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real, taken = snapshot.take, []

    def take(root: Path, bare: Path) -> snapshot.Snapshot:
        taken.append(real(root, bare))
        if len(taken) == 1:
            write(root, {"libs/broker/recipes/default.rb": "package 'saved'\n"})
        return taken[-1]

    monkeypatch.setattr(snapshot, "take", take)
    seeded = here.seed()
    assert len(taken) == 2
    assert here.show("main/broker")["recipes/default.rb"] == "package 'saved'"
    assert seeded.content == content.of_files(taken[1].files)


def test_a_deleted_cache_costs_nothing(here: World) -> None:
    here.seed()
    shutil.rmtree(here.path / "seed.git")
    assert not here.seed().changed
