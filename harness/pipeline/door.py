"""Opens what a job works with: the forge as the harness's own account, its voice, and the workspace."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from harness.config import forge_accounts, share
from harness.config.forge_accounts import ForgeAccount
from harness.config.settings_file import load_settings
from harness.config.share import Share
from harness.forge.client import Address, Forge, Login
from harness.kit.errors import HarnessError, UsageError
from harness.kit.files import private_directory, write_atomic
from harness.kit.secret import Secret
from harness.lifecycle import workspace as workspaces
from harness.lifecycle.workspace import Say, Workspace
from harness.pipeline import tell
from harness.pipeline.job import Job
from harness.pipeline.outbox import FOLDER, Outbox
from harness.pipeline.tell import Aloud, ForgeVoice, Voice
from harness.pve.client import Credentials, Pve

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
        if greeted is None or greeted.endpoint != opened.pve.endpoint:
            return opened
        opened.pve.close()
        return replace(opened, pve=greeted)

    def greet(self) -> Pve | None:
        """Sign in at the target while other things are done; what goes wrong is said when it is really needed."""
        environ = settings_of(self.root, self.environ)
        settings = load_settings(self.root, environ)
        pve = workspaces.way(settings, Share.for_target(self.root, settings, environ))
        if pve is not None:
            threading.Thread(target=_say_hello, args=(pve,), daemon=True).start()
        return pve

    def close(self) -> None:
        """Let everything be heard, then let go."""
        self.voice.close()
        if self.forge is not None:
            self.forge.close()


def _say_hello(pve: Pve) -> None:
    with suppress(HarnessError):
        pve.get("version")


def open_office(root: Path, environ: Mapping[str, str], say: Say) -> Office:
    """The office of this process."""
    job = Job.read(environ)
    if job is None:
        return Office(root, environ, say, None, None, Aloud(say))
    forge = open_forge(job, share_base(root, environ))
    outbox = Outbox(share_base(root, environ) / FOLDER, forge, tell.deliver, say)
    return Office(root, environ, say, job, forge, ForgeVoice(outbox))


def share_base(root: Path, environ: Mapping[str, str]) -> Path:
    """The directory of all targets' state."""
    named = environ.get(share.VARIABLE)
    return Path(named).absolute() if named else root / "local" / "share"


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


def settings_of(trusted: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment with settings and state of the trusted checkout, whatever tree a workspace is opened on."""
    named = {"GITOPS_CONFIG": str(trusted / "local" / "config.json"), share.VARIABLE: str(share_base(trusted, environ))}
    return {**named, **{key: value for key, value in environ.items() if value}}


def looking(workspace: Workspace, environ: Mapping[str, str]) -> Pve:
    """The way to PVE by which plans look: with a token that may only read, where ``GITOPS_PVE_READ_TOKEN`` names one.

    It has the form ``user@realm!name=secret``; without one the workspace's own way is taken.
    """
    token, separator, secret = environ.get(_READS, "").partition("=")
    if not separator or workspace.settings.embedded_target:
        return workspace.pve
    return Pve(workspace.pve.endpoint, Credentials(user=token.partition("!")[0], token=token, secret=Secret(secret)))


def private_folder() -> Path:
    """A fresh directory outside of every repository."""
    return Path(tempfile.mkdtemp(prefix="gitops-", dir=os.environ.get("RUNNER_TEMP") or None))
