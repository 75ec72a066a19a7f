"""Repositories from elsewhere, which this forge does not fetch: it opens no connection that a request names.

The refusals are those of a Gitea with its default settings, asked for an address of the network it is in.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import Response

from harness.embedded.forge import access
from harness.embedded.forge.api import binding, forms, needs
from harness.embedded.forge.api.call import Call
from harness.embedded.forge.api.routing import Routes
from harness.embedded.forge.errors import ForbiddenError, InvalidError, no_account
from harness.embedded.forge.store import accounts
from harness.embedded.forge.store.records import Account

routes = Routes()
_REMOTE = re.compile(r"(https?|git)://", re.IGNORECASE)


@routes.post("/repos/migrate", needs.CREATE_REPOSITORY)
def migrate(call: Call) -> Response:
    """Refuse to fetch a repository, saying the first reason."""
    details = binding.read(call, forms.MIGRATE)
    _check_owner(call, _owner(call, details))
    address = str(details["clone_addr"]).strip()
    if not _REMOTE.match(address):
        raise InvalidError("You are not allowed to import local repositories.")
    if not urlsplit(address).hostname:
        raise InvalidError(f"migration/cloning of '{address}' is not allowed: the provided url is invalid")
    raise InvalidError("You can not import from disallowed hosts.")


def _owner(call: Call, details: dict[str, Any]) -> Account:
    name = details.get("repo_owner")
    if not name:
        return call.user
    found = accounts.by_name(call.forge.db, name)
    if found is None:
        raise InvalidError(no_account(name))
    return found


def _check_owner(call: Call, owner: Account) -> None:
    if call.user.admin or owner.id == call.user.id:
        return
    if not owner.organisation:
        raise ForbiddenError("Given user is not an organization.")
    if not access.is_owner(call.forge.db, call.user, owner):
        raise ForbiddenError("Given user is not owner of organization.")
