"""The token that plans of pull requests look with: made where the credentials allow it, kept with a target's state."""

from __future__ import annotations

from harness.config.share import Share
from harness.kit.errors import HarnessError
from harness.kit.files import write_atomic
from harness.lifecycle.workspace import Say, Workspace
from harness.pve import reading
from harness.pve.client import Pve
from harness.pve.errors import AuthenticationFailed, PveError
from harness.pve.reading import ReadToken


class BlindError(HarnessError):
    """A token opens the door and shows too little: a plan made with it would take what it hides for absent."""


def kept(share: Share) -> ReadToken | None:
    """The token of this target; None where none was made."""
    return ReadToken.parse(share.read_token.read_text()) if share.read_token.is_file() else None


def ensure(workspace: Workspace, say: Say) -> None:
    """Have a token: the one that is there while it is good, else a new one. Where none can be had, says so once."""
    present = kept(workspace.share)
    if present is not None and _good(workspace.pve, present):
        return
    try:
        made = reading.make(workspace.pve, f"monorepo {workspace.monorepo}")
    except PveError as refused:
        _say_once(workspace, say, refused)
        return
    write_atomic(workspace.share.read_token, made.render() + "\n", mode=0o600)
    workspace.share.read_token_refused.unlink(missing_ok=True)


def _good(pve: Pve, token: ReadToken) -> bool:
    try:
        with_token(pve, token).close()
    except (AuthenticationFailed, BlindError):
        return False
    return True


def with_token(pve: Pve, token: ReadToken) -> Pve:
    """Another way to the server of ``pve``; raises ``BlindError``, ``AuthenticationFailed``, ``PveUnreachable``."""
    found = Pve(pve.endpoint, token.credentials, pve.clock)
    try:
        lacks = reading.lacking(found)
    except HarnessError:
        found.close()
        raise
    if lacks:
        found.close()
        hint = f"give {token.id} and its user the role {reading.ROLE} on / with propagation, or take the token away"
        raise BlindError(f"the token {token.id} does not see enough for a plan: it lacks {', '.join(lacks)}", hint=hint)
    return found


def _say_once(workspace: Workspace, say: Say, refused: PveError) -> None:
    who, told = workspace.pve.credentials.identity, workspace.share.read_token_refused
    if told.is_file() and told.read_text() == who:
        return
    how = "plans of pull requests look with its own rights"
    say(f"{who} may not make a token that only reads ({refused.reason}): {how}")
    write_atomic(told, who, mode=0o600)
