"""The accounts that the harness and the recipes have on the forge, kept beside the targets' state, mode 0600."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.kit.errors import UsageError
from harness.kit.files import private_directory, write_atomic
from harness.kit.secret import Secret

FILE: Final = "forge-accounts.json"
"""In the directory that ``GITOPS_SHARE`` names."""
SERVICE: Final = "service"
"""The harness's own account: comments, statuses, pointers, merges."""
RECIPES: Final = "recipes"
"""The account whose token recipes get: it reads and writes variables, nothing else."""


@dataclass(frozen=True, slots=True)
class ForgeAccount:
    """One account. ``url`` is where its user finds the forge; ``ca``: authorities in PEM to trust there."""

    url: str
    user: str
    token: Secret
    ca: str | None = None


def read(share: Path, name: str) -> ForgeAccount | None:
    """The account ``name`` in the share directory, None when there is none. Raises ``UsageError`` for a broken file."""
    path = share / FILE
    try:
        entry = json.loads(path.read_text()).get(name)
        return _account(entry) if entry else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise UsageError(f"{path}: not readable: {error}", hint="seed again: ./run local writes it") from error


def write(share: Path, accounts: Mapping[str, ForgeAccount]) -> None:
    """Keep ``accounts`` and no others."""
    path = private_directory(share) / FILE
    write_atomic(path, render(accounts), mode=0o600)


def render(accounts: Mapping[str, ForgeAccount]) -> str:
    """The file's text, tokens revealed: it goes into a private file and nowhere else."""
    return json.dumps({name: _plain(account) for name, account in accounts.items()}, indent=2) + "\n"


def _account(entry: Mapping[str, Any]) -> ForgeAccount:
    return ForgeAccount(str(entry["url"]), str(entry["user"]), Secret(str(entry["token"])), entry.get("ca") or None)


def _plain(account: ForgeAccount) -> dict[str, str]:
    found = {"url": account.url, "user": account.user, "token": account.token.reveal(), "ca": account.ca or ""}
    return {key: value for key, value in found.items() if value}
