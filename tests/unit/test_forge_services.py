"""The forge's own rules: tokens, passwords, secrets at rest, webhooks, and what a crash leaves behind."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from harness.embedded.forge import access, git_push, scopes, server, webhooks
from harness.embedded.forge.access import Identity, Mode
from harness.embedded.forge.errors import ConflictError, UnauthorisedError
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.git import names
from harness.embedded.forge.services import (
    contents,
    events,
    hooks,
    merging,
    organisations,
    pulls,
    repositories,
    users,
    variables,
)
from harness.embedded.forge.services.contents import Change, Operation
from harness.embedded.forge.services.variables import Holder
from harness.embedded.forge.settings import ForgeSettings
from harness.embedded.forge.store import accounts
from harness.embedded.forge.store import pulls as pulls_store
from harness.embedded.forge.store import repositories as repositories_store
from harness.embedded.forge.store.records import Account, Delivery, Hook, Repository
from harness.embedded.forge.vault import Vault
from harness.embedded.forge.worker import Worker


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    made, _ = server.prepare(ForgeSettings(tmp_path / "state"))
    return made


@pytest.fixture
def root(forge: Forge) -> Account:
    found = accounts.by_name(forge.db, "root")
    assert found is not None
    return found


@pytest.fixture
def repository(forge: Forge, root: Account) -> Repository:
    return repositories.create(forge, root, root, {"name": "app", "auto_init": True})


def _change(forge: Forge, root: Account, repository: Repository, branch: str, text: str) -> str:
    fresh = repositories_store.by_id(forge.db, repository.id)
    assert fresh is not None
    operation = Operation("upload", "file", content=text)
    new = "" if forge.git(repository.id).branch(branch) else branch
    change = Change((operation,), branch="" if new else branch, new_branch=new)
    return contents.commit(forge, Identity(root), fresh, change, "http://x")


# Sign-in


@pytest.mark.parametrize(
    ("wanted", "granted"),
    [
        (["read:user", "write:repository"], ("write:repository", "read:user")),
        (["read:user", "write:user"], ("write:user",)),
        (["all", "read:user"], ("all",)),
        ([], ()),
    ],
)
def test_scopes_are_kept_in_one_order_without_repetition(wanted: list[str], granted: tuple[str, ...]) -> None:
    assert scopes.normalise(wanted) == granted


def test_writing_includes_reading_and_one_category_not_another() -> None:
    assert scopes.allows("write:repository", "repository", "read")
    assert not scopes.allows("read:repository", "repository", "write")
    assert not scopes.allows("write:repository", "user", "read")


def test_an_expired_token_and_a_forbidden_account_do_not_sign_in(forge: Forge, root: Account) -> None:
    _, old = users.issue_token(forge, root.id, "old", "all", expires=1)
    user = users.create(forge, "ann", "ann@example.com", "Secret-123", prohibit_login=1)
    _, token = users.issue_token(forge, user.id, "t", "all")

    for secret in (old, token):
        with pytest.raises(UnauthorisedError):
            forge.authenticator.identify(f"token {secret}")
    with pytest.raises(UnauthorisedError):
        forge.authenticator.by_password("ann", "Secret-123")


def test_neither_passwords_nor_tokens_nor_secrets_are_in_the_database(
    forge: Forge, root: Account, repository: Repository
) -> None:
    users.create(forge, "ann", "ann@example.com", "Secret-123")
    _, token = users.issue_token(forge, root.id, "t", "all")
    variables.put_secret(forge, Holder(repo_id=repository.id), "KEY", "hunter2-hunter2", "")
    forge.db.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    stored = (forge.settings.state / "forge.db").read_bytes()

    assert not [secret for secret in ("Secret-123", token, "hunter2-hunter2") if secret.encode() in stored]
    assert variables.secrets_for(forge, repository)["KEY"].reveal() == "hunter2-hunter2"
    assert (forge.settings.state / "secrets.key").stat().st_mode & 0o777 == 0o600


def test_a_vault_opens_what_another_with_its_key_has_sealed(tmp_path: Path) -> None:
    box = Vault(tmp_path / "key").seal("x")

    assert b"x" not in box[:1]
    assert Vault(tmp_path / "key").open(box) == "x"


def test_a_changed_password_file_is_the_new_password(forge: Forge) -> None:
    (forge.settings.state / server.PASSWORD_FILE).write_text("another-password\n")

    again, _ = server.prepare(forge.settings)

    assert again.authenticator.by_password("root", "another-password").user is not None


def test_what_somebody_may_comes_from_ownership_collaboration_and_teams(forge: Forge, root: Account) -> None:
    org = organisations.create(forge, root, "people", {})
    private = repositories.create(forge, root, org, {"name": "app", "private": True})
    ann, bob = (users.create(forge, name, f"{name}@example.com", "Secret-123") for name in ("ann", "bob"))
    team = organisations.create_team(
        forge, org, {"name": "w", "permission": "write", "units": ["repo.code"], "includes_all_repositories": True}
    )
    organisations.add_to_team(forge, team, ann)
    forge.db.run("INSERT INTO collaborator VALUES (?, ?, 'read')", private.id, bob.id)

    modes = [access.user_mode(forge.db, who, private) for who in (None, ann, bob, root)]

    assert modes == [Mode.NONE, Mode.WRITE, Mode.READ, Mode.OWNER]


# Webhooks


def test_an_event_stands_for_its_family() -> None:
    assert hooks.expand([]) == ["push"]
    assert hooks.expand(["pull_request_only"]) == ["pull_request"]
    assert {"pull_request_sync", "pull_request_comment"} <= set(hooks.expand(["pull_request"]))


def test_a_failed_delivery_is_tried_again_later_and_given_up_in_the_end(
    forge: Forge, root: Account, repository: Repository
) -> None:
    config = {"url": "http://127.0.0.1:1/x", "content_type": "json"}
    hook = hooks.create(forge, {"type": "gitea", "config": config, "active": True}, repo_id=repository.id)
    hooks.queue(forge, hook, "push", {"a": 1})
    sent: list[str] = []

    def fail(_hook: Hook, delivery: Delivery) -> int:
        sent.append(delivery.uuid)
        return 500

    deliverer = webhooks.Deliverer(forge, fail)
    assert deliverer.deliver_one()
    assert not deliverer.deliver_one()
    for _ in webhooks.PAUSES:
        forge.db.run("UPDATE delivery SET due = 0")
        assert deliverer.deliver_one()

    state = forge.db.one(Delivery, "SELECT * FROM delivery")
    assert state is not None
    assert (state.state, state.attempts, len(set(sent))) == ("failed", len(webhooks.PAUSES) + 1, 1)


@pytest.mark.parametrize("address", ["http://127.0.0.1:99999/x", "http://[x/", "http://127.0.0.1:1/x"])
def test_an_address_that_cannot_be_reached_counts_as_a_failed_try(
    forge: Forge, repository: Repository, address: str
) -> None:
    config = {"url": address, "content_type": "json"}
    hook = hooks.create(forge, {"type": "gitea", "config": config, "active": True}, repo_id=repository.id)
    hooks.queue(forge, hook, "push", {"a": 1})

    assert webhooks.Deliverer(forge).deliver_one()

    state = forge.db.one(Delivery, "SELECT * FROM delivery")
    assert state is not None
    assert (state.state, state.attempts, state.answer) == ("waiting", 1, 0)


def test_a_worker_goes_on_after_a_round_that_failed(forge: Forge) -> None:
    done = threading.Event()

    class Stumbling(Worker):
        rounds = 0

        def _round(self) -> None:
            self.rounds += 1
            if self.rounds == 1:
                raise ValueError("a mistake")
            done.set()
            self._stop.wait(5)

    worker = Stumbling(forge)
    worker.start()
    try:
        assert done.wait(10)
    finally:
        worker.stop()


def test_a_signature_is_an_hmac_and_absent_without_a_secret() -> None:
    known = "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"  # of Wikipedia's example

    assert webhooks.signature("key", b"The quick brown fox jumps over the lazy dog") == known
    assert webhooks.signature("", b"x") == ""


# Crashes


def test_a_merge_that_moved_the_branch_and_was_not_noted_is_noted_at_the_next_start(
    forge: Forge, root: Account, repository: Repository
) -> None:
    head = _change(forge, root, repository, "topic", "aGk=")
    fresh = repositories_store.by_id(forge.db, repository.id) or repository
    found = pulls.create(forge, root, fresh, {"head": "topic", "base": "main", "title": "t"})
    git = forge.git(repository.id)
    intent = json.dumps({"sha": head, "by": root.id, "base": found.merge_base})
    forge.db.update("pull", found.id, intent=intent)
    git.move("refs/heads/main", head, git.branch("main") or "")

    again, _ = server.prepare(forge.settings)

    done = pulls_store.by_id(again.db, found.id)
    assert done is not None
    assert (done.merged, done.closed, done.merge_sha, done.intent) == (True, True, head, None)
    assert repositories_store.known_refs(again.db, repository.id)["refs/heads/main"] == head


def test_a_merge_that_did_not_move_the_branch_is_forgotten(forge: Forge, root: Account, repository: Repository) -> None:
    head = _change(forge, root, repository, "topic", "aGk=")
    fresh = repositories_store.by_id(forge.db, repository.id) or repository
    found = pulls.create(forge, root, fresh, {"head": "topic", "base": "main", "title": "t"})
    forge.db.update("pull", found.id, intent=json.dumps({"sha": head, "by": root.id, "base": found.merge_base}))

    merging.recover(forge)

    left = pulls_store.by_id(forge.db, found.id)
    assert left is not None
    assert (left.merged, left.intent) == (False, None)


def test_a_push_that_was_noted_and_not_told_is_told_once_and_in_its_pushers_name(
    forge: Forge, root: Account, repository: Repository
) -> None:
    ann = users.create(forge, "ann", "ann@example.com", "Secret-123")
    config = {"url": "http://127.0.0.1:1/x", "content_type": "json"}
    hooks.create(forge, {"type": "gitea", "config": config, "active": True}, repo_id=repository.id)
    git = forge.git(repository.id)
    tip = git.branch("main") or ""
    git.move("refs/heads/topic", tip, names.ZERO)
    note = git_push.note_for(forge, repository, Identity(ann))
    note.write_text(f"{names.ZERO} {tip} refs/heads/topic\n")

    git_push.recover(forge)
    git_push.recover(forge)
    told = events.recover(forge)

    payloads = [json.loads(text) for text in forge.db.column("SELECT payload FROM delivery")]
    assert [(one["ref"], one["pusher"]["login"]) for one in payloads] == [("refs/heads/topic", "ann")]
    assert told == 0


def test_two_merges_at_once_merge_once(forge: Forge, root: Account, repository: Repository) -> None:
    _change(forge, root, repository, "one", "b25l")
    _change(forge, root, repository, "two", "dHdv")
    fresh = repositories_store.by_id(forge.db, repository.id) or repository
    for head in ("one", "two"):
        pulls.create(forge, root, fresh, {"head": head, "base": "main", "title": head})

    merging.merge(forge, Identity(root), fresh, 1, merging.Wish("merge"), "http://x")
    with pytest.raises(Exception, match="Please try again later"):
        merging.merge(forge, Identity(root), fresh, 2, merging.Wish("merge"), "http://x")
    variables.create(forge, Holder(repo_id=fresh.id), "A", "1", "")
    with pytest.raises(ConflictError, match="already exists"):
        variables.create(forge, Holder(repo_id=fresh.id), "A", "2", "")
