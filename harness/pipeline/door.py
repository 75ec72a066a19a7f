"""Opens what a job works with: the forge as the harness's own account, its voice, and the workspace."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from harness.config import forge_accounts
from harness.config.forge_accounts import ForgeAccount
from harness.forge.client import Address, Forge, Login
from harness.kit.errors import UsageError
from harness.kit.files import private_directory, write_atomic
from harness.lifecycle import reading
from harness.lifecycle.reading import BlindError
from harness.lifecycle.workspace import Say, Workspace
from harness.pipeline import tell
from harness.pipeline.greeting import settings_of, share_base
from harness.pipeline.job import Job
from harness.pipeline.outbox import FOLDER, Outbox
from harness.pipeline.tell import Aloud, ForgeVoice, Voice
from harness.pve.client import Pve
from harness.pve.errors import AuthenticationFailed
from harness.pve.reading import ReadToken

JOB_USER: Final = "gitea-actions"
"""Whom a job's own token belongs to."""
CA_FILE: Final = "forge-ca.pem"
SCRATCH: Final = "scratch"
_READS: Final = "GITOPS_PVE_READ_TOKEN"


@dataclass(frozen=True, slots=True)
class Office:
    """Where a pipeline command runs. ``job`` and ``forge`` are None by hand."""

    root: Path
    environ: Mapping[str, str]
    say: Say
    job: Job | None
    forge: Forge | None
    voice: Voice

    @property
    def share(self) -> Path:
        """The directory of all targets' state."""
        return share_base(self.root, self.environ)

    @property
    def scratch(self) -> Path:
        """The bare repository for pointers and releases."""
        return private_directory(self.share / SCRATCH) / "pipeline.git"

    def require(self) -> tuple[Job, Forge]:
        """Job and forge, for what makes no sense without; raises ``UsageError``."""
        if self.job is None or self.forge is None:
            raise UsageError("this runs as a job of the control plane", hint="start its workflow in the forge")
        return self.job, self.forge

    def workspace(self, root: Path | None = None, stage: str | None = None, *, greeted: Pve | None = None) -> Workspace:
        """The workspace of ``root`` (default: the checkout). In a job nothing is started: the target must be there.

        ``greeted``: a way to the target that is open already.
        """
        place = root or self.root
        environ = settings_of(self.root, self.environ)
        opened = Workspace.open(place, environ, stage=stage, start_node=self.job is None, say=self.say)
        for note in opened.settings.notes:
            self.say(note)
        if greeted is None or greeted.endpoint != opened.pve.endpoint:
            return opened
        opened.pve.close()
        return replace(opened, pve=greeted)

    def close(self) -> None:
        """Let everything be heard, then let go."""
        self.voice.close()
        if self.forge is not None:
            self.forge.close()


def open_office(root: Path, environ: Mapping[str, str], say: Say) -> Office:
    """The office of this process."""
    job = Job.read(environ)
    if job is None:
        return Office(root, environ, say, None, None, Aloud(say))
    forge = open_forge(job, share_base(root, environ))
    outbox = Outbox(share_base(root, environ) / FOLDER, forge, tell.deliver, say)
    return Office(root, environ, say, job, forge, ForgeVoice(outbox))


def open_forge(job: Job, base: Path) -> Forge:
    """The forge as the harness's own account there; without one (a strange runner), with the job's own token."""
    account = forge_accounts.read(base, forge_accounts.SERVICE)
    if account is not None:
        return of_account(account, base)
    return Forge(Address(job.server), Login(JOB_USER, token=job.token) if job.token else None)


def of_account(account: ForgeAccount, base: Path) -> Forge:
    """A session of ``account``."""
    return Forge(Address(account.url, _authorities(account, base)), Login(account.user, token=account.token))


def _authorities(account: ForgeAccount, base: Path) -> Path | None:
    """The account's authorities as a file, which is what TLS libraries read."""
    if account.ca is None:
        return None
    path = base / CA_FILE
    if not path.exists() or path.read_text() != account.ca:
        write_atomic(path, account.ca)
    return path


def looking(workspace: Workspace, environ: Mapping[str, str], say: Say) -> Pve:
    """The way to PVE by which plans look: with a token that may only read, where there is one.

    ``GITOPS_PVE_READ_TOKEN`` (``user@realm!name=secret``) comes before the one that was handed over; without a good one
    the workspace's own way is taken. Raises ``UsageError`` or ``BlindError`` for a named one that is of no use.
    """
    named = environ.get(_READS, "")
    if named:
        token = ReadToken.parse(named)
        if token is None:
            raise UsageError("the secret PVE_READ_TOKEN is no token", hint="it has the form user@realm!name=secret")
        return reading.with_token(workspace.pve, token)
    kept = reading.kept(workspace.share)
    if kept is None:
        return workspace.pve
    try:
        return reading.with_token(workspace.pve, kept)
    except (AuthenticationFailed, BlindError) as useless:
        say(f"{useless.message}; looking with the rights of {workspace.pve.credentials.identity}")
        return workspace.pve


def private_folder() -> Path:
    """A fresh directory outside of every repository."""
    return Path(tempfile.mkdtemp(prefix="gitops-", dir=os.environ.get("RUNNER_TEMP") or None))
