"""The data of a control plane whose container is replaced: saved before it goes, put back into the new one.

Repositories, variables, run history and keys lie in ``/var/lib/gitops``. Where that is a directory of the host (a bind
mount), it stays there by itself; a volume of the container's own goes with it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from harness.controlplane.kit import ACCOUNT, DATA, UNITS
from harness.inventory.model import BindMount, Container
from harness.kit.errors import HarnessError
from harness.lifecycle.context import StageContext

_SAVE: Final = f"systemctl stop {' '.join(UNITS)}; tar -c -f - -C {DATA} --numeric-owner --exclude=./runner/work ."
_RESTORE: Final = (
    f"set -e; install -d -o {ACCOUNT} -g {ACCOUNT} -m 0750 {DATA};"
    f" tar -x -f - -C {DATA} --numeric-owner --preserve-permissions --same-owner"
)


class DataNotSavedError(HarnessError):
    """A control plane's data could not be brought to safety: its container stays."""


def place(context: StageContext) -> Path:
    """Where the data waits between two containers, mode 0600."""
    return context.workspace.share.path / f"{context.container.name}-data.tar"


def lies_on_host(container: Container) -> bool:
    """Whether the data outlives the container without our help."""
    return any(isinstance(mount, BindMount) and mount.target == DATA for mount in container.mounts)


def save(context: StageContext) -> bool:
    """Bring the data of a control plane that is about to go to this side; whether there was any to bring.

    What an earlier run saved stays: it is from before that run began. Raises ``DataNotSavedError``.
    """
    if not context.container.is_control_plane or lies_on_host(context.container) or place(context).exists():
        return False
    context.note("saving repositories, variables and history of the control plane")
    part = place(context).with_suffix(".part")
    try:
        _stream_out(context, part)
    except HarnessError as failed:
        part.unlink(missing_ok=True)
        raise DataNotSavedError(
            f"the data of {context.container.name} could not be saved, so it is not replaced: {failed.message}",
            hint=f"if its data may be lost: make an empty file {place(context)} and deploy again",
        ) from failed
    part.replace(place(context))
    return True


def restore(context: StageContext) -> bool:
    """Put saved data into the new container, before its forge starts; whether there was any. It is removed here."""
    saved = place(context)
    if not context.container.is_control_plane or not saved.exists():
        return False
    if saved.stat().st_size:
        context.note("putting back repositories, variables and history")
        _stream_in(context, saved)
    saved.unlink()
    return True


def _stream_out(context: StageContext, target: Path) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream, context.connection().session(_SAVE, sudo=True) as process:
        assert process.stdout is not None
        shutil.copyfileobj(process.stdout, stream)
        stream.flush()
        os.fsync(stream.fileno())
    _require_success(process)
    if not target.stat().st_size:
        raise HarnessError("tar wrote nothing")


def _stream_in(context: StageContext, saved: Path) -> None:
    with saved.open("rb") as stream, context.connection().session(_RESTORE, sudo=True) as process:
        assert process.stdin is not None
        shutil.copyfileobj(stream, process.stdin)
        process.stdin.close()
    _require_success(process)


def _require_success(process: subprocess.Popen[bytes]) -> None:
    if process.returncode != 0:
        raise HarnessError(f"tar ended with {process.returncode}")
