"""The first thing that a deploy does: sign in at the target, while everything else is still being loaded and fetched.

What is imported here is what that takes, and no more.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from harness.config import settings_file, share
from harness.config.share import Share
from harness.kit.errors import HarnessError
from harness.lifecycle.way import way
from harness.pve.client import Pve


def greet(root: Path, environ: Mapping[str, str]) -> Pve | None:
    """The way to the target, which is being opened; None where it is not known yet.

    What goes wrong is said when the way is really needed: settings and target are looked at again there.
    """
    surroundings = settings_of(root, environ)
    try:
        settings = settings_file.load_settings(root, surroundings)
        pve = way(settings, Share.for_target(root, settings, surroundings))
    except HarnessError:
        return None
    if pve is not None:
        threading.Thread(target=_sign_in, args=(pve,), daemon=True).start()
    return pve


def _sign_in(pve: Pve) -> None:
    """The connection and the ticket stay for what comes after; a token needs no ticket, so that something is asked."""
    with suppress(HarnessError):
        pve.get("version")


def share_base(root: Path, environ: Mapping[str, str]) -> Path:
    """The directory of all targets' state."""
    named = environ.get(share.VARIABLE)
    return Path(named).absolute() if named else root / "local" / "share"


def settings_of(trusted: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment with settings and state of the trusted checkout, whatever tree a workspace is opened on."""
    named = {
        settings_file.VARIABLE: str(trusted / settings_file.FILE),
        share.VARIABLE: str(share_base(trusted, environ)),
    }
    return {**named, **{key: value for key, value in environ.items() if value}}
