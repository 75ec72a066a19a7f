"""Reading what a push wants before git does, and what it has done afterwards.

Two short hooks run in every push. ``pre-receive`` refuses when the forge, which has read the push's commands already,
put a reason into its environment. ``post-receive`` keeps what git has done in a file, which outlives the forge, and
says to the pusher what the forge prepared.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from harness.embedded.forge.access import Identity
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.git import history, names
from harness.embedded.forge.services import events, rules
from harness.embedded.forge.store import accounts, pulls, repositories
from harness.embedded.forge.store.records import Repository
from harness.kit.files import write_atomic

_PRE = """#!/bin/sh
[ -z "$FORGE_REFUSED" ] && exit 0
printf '\\nForge: %s\\n' "$FORGE_REFUSED" >&2
exit 1
"""
# Written beside and renamed, so that the forge never reads half of it.
_POST = """#!/bin/sh
cat >"$FORGE_PUSH.part" && mv "$FORGE_PUSH.part" "$FORGE_PUSH"
[ -z "$FORGE_SAID" ] || printf '%s\\n' "$FORGE_SAID" >&2
exit 0
"""


@dataclass(frozen=True, slots=True)
class Command:
    """A ref that a push wants to move."""

    old: str
    new: str
    ref: str


def install_hooks(directory: Path) -> None:
    """Write the hooks that every repository runs."""
    directory.mkdir(exist_ok=True)
    for name, text in (("pre-receive", _PRE), ("post-receive", _POST)):
        write_atomic(directory / name, text, mode=0o755)


def read_commands(data: bytes) -> list[Command] | None:
    """The commands at the start of a receive-pack request (gitprotocol-pack(5)); ``None`` while they are not whole.

    Raises ``ValueError`` on what is no pkt-line.
    """
    found: list[Command] = []
    at = 0
    while True:
        head = data[at : at + 4]
        if len(head) < 4:
            return None
        length = int(head, 16)
        if length == 0:
            return found
        if length < 4:
            raise ValueError(f"pkt-line of length {length}")
        if len(data) < at + length:
            return None
        line = data[at + 4 : at + length].split(b"\0")[0].decode(errors="replace").rstrip("\n")
        parts = line.split(" ", 2)
        if len(parts) == 3:
            found.append(Command(*parts))
        at += length


def refusal(forge: Forge, identity: Identity, repository: Repository, commands: Sequence[Command]) -> str:
    """Why the push is not taken; an empty string when it is."""
    for command in commands:
        words = _refuse(forge, identity, repository, command)
        if words:
            return words
    return ""


def _refuse(forge: Forge, identity: Identity, repository: Repository, command: Command) -> str:
    if not command.ref.startswith(("refs/heads/", "refs/tags/")):
        return f"{command.ref} is no branch and no tag"
    branch = command.ref.removeprefix("refs/heads/")
    if branch == command.ref:
        return ""
    deletes = command.new == names.ZERO
    if deletes and branch == repository.default_branch:
        return f"branch {branch} is the default branch and cannot be deleted"
    if rules.rule_for(forge, repository, branch) is None:
        return ""
    if deletes:
        return f"branch {branch} is protected from deletion"
    allowed = rules.may_push(forge, identity, repository, branch)
    return "" if allowed else f"Not allowed to push to protected branch {branch}"


def said(forge: Forge, repository: Repository, commands: Sequence[Command], base: str) -> str:
    """What the pusher reads afterwards: where to open a pull request, or which there is."""
    lines = [_said(forge, repository, command, base) for command in commands]
    return "\n".join(line for line in lines if line)


def _said(forge: Forge, repository: Repository, command: Command, base: str) -> str:
    if command.new == names.ZERO or not command.ref.startswith("refs/heads/"):
        return ""
    branch, target = command.ref[11:], repository
    if repository.fork_of:
        target = repositories.by_id(forge.db, repository.fork_of) or repository
    elif branch == repository.default_branch or repository.empty:
        return ""
    if not repository.option("has_pull_requests"):
        return ""
    known = pulls.open_between(forge.db, target.id, target.default_branch, repository.id, branch)
    if known:
        return f"\nVisit the existing pull request:\n  {base}/{target.full_name}/pulls/{known.number}\n"
    page = f"{base}/{repository.full_name}/pulls/new/{quote(branch)}"
    return f"\nCreate a new pull request for '{branch}':\n  {page}\n"


def note_for(forge: Forge, repository: Repository, identity: Identity) -> Path:
    """Where the hook of one push notes what was done; the name says of which repository and whose."""
    assert identity.user is not None
    return forge.settings.pushes / f"{repository.id}_{identity.user.id}_{uuid.uuid4().hex}"


def settle(forge: Forge, note: Path, base: str, *, again: bool = False) -> None:
    """Tell what a push has done, as its hook noted it; once, whoever comes first.

    ``again`` is for notes of a forge that was killed: what it has told already is not told twice.
    """
    taken = note.with_suffix(".taken")
    try:
        note.rename(taken)
    except FileNotFoundError:
        return  # nothing was done, or somebody else is telling it
    repo_id, user_id, _ = note.stem.split("_")
    repository = repositories.by_id(forge.db, int(repo_id))
    updates = [(ref, old, new) for old, new, ref in (line.split(" ", 2) for line in taken.read_text().splitlines())]
    if repository and again:
        known = repositories.known_refs(forge.db, repository.id)
        updates = [update for update in updates if known.get(update[0], names.ZERO) != update[2]]
    if repository and updates:
        events.pushed(forge, repository, accounts.by_id(forge.db, int(user_id)), updates, base)
    taken.unlink()


def settle_forgotten(forge: Forge, older_than: float) -> None:
    """Tell what was noted before ``older_than`` (seconds since the epoch) and nobody told: its pusher had left."""
    for note in forge.settings.pushes.iterdir():
        if not note.suffix and note.stat().st_mtime < older_than:
            settle(forge, note, forge.base, again=True)


def force_refusal(forge: Forge, repository: Repository, commands: Sequence[Command]) -> str:
    """Why a push that throws commits away is not taken; checked before, so only for objects that are here."""
    git = forge.git(repository.id)
    for command in commands:
        branch = command.ref.removeprefix("refs/heads/")
        if branch == command.ref or names.ZERO in {command.old, command.new}:
            continue
        if rules.may_force(forge, repository, branch) or not git.is_object(command.new):
            continue
        if not history.is_ancestor(git, command.old, command.new):
            return f"branch {branch} is protected from force push"
    return ""


def recover(forge: Forge) -> None:
    """After a crash: tell what pushes have noted. What was not even noted is found by ``events.recover``."""
    for left in list(forge.settings.pushes.iterdir()):
        if left.suffix == ".part":
            left.unlink()
            continue
        note = left.with_suffix("")
        if left.suffix:
            left.rename(note)
        settle(forge, note, forge.base, again=True)
