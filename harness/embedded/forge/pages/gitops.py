"""What ``/api/gitops/…`` has in common: who asks by a token or a password, what they may, refusals as JSON.

A session is no use there: a page of another site cannot make a browser publish anything.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from harness.embedded.forge import access, scopes
from harness.embedded.forge.access import Mode
from harness.embedded.forge.api.call import answer
from harness.embedded.forge.errors import ForbiddenError, ForgeError, InvalidError, UnauthorisedError
from harness.embedded.forge.pages.doors import Handler
from harness.embedded.forge.pages.page import Page
from harness.embedded.forge.store import accounts, repositories
from harness.embedded.forge.store.records import Repository

CONTROL = "main/config"
"""Who may write this repository publishes whatever there is."""


def guarded(handler: Handler) -> Handler:
    """A view that only somebody reaches who identifies in the request itself."""

    def answered(page: Page) -> Response:
        try:
            page.identity = page.forge.authenticator.identify(page.headers.get("authorization"))
            if page.identity.user is None:
                raise UnauthorisedError("token is required")
            return handler(page)
        except ForgeError as refused:
            return answer(refused.body(page.base), refused.code)

    return answered


def needs_scope(page: Page, level: str) -> None:
    """Raises ``ForbiddenError`` when the token's scopes do not reach to repositories. ``level``: read or write."""
    token = page.identity.token
    if token and not scopes.allows(token.scopes, scopes.REPOSITORY, level):
        words = f"required=[{level}:{scopes.REPOSITORY}], token scope={token.scopes}"
        raise ForbiddenError(f"token does not have at least one of required scope(s), {words}")


def document(page: Page, most: int) -> Any:
    """The JSON that was sent, of at most ``most`` bytes; raises ``ForgeError``."""
    if len(page.raw_body) > most:
        raise ForgeError(f"the document is larger than {most // 1024**2} MiB", status=413)
    try:
        return json.loads(page.raw_body)
    except (ValueError, RecursionError) as wrong:
        raise InvalidError(f"no JSON: {wrong}") from wrong


def repository(page: Page, full_name: str) -> Repository | None:
    """The repository ``owner/name``."""
    owner, _, name = full_name.partition("/")
    account = accounts.by_name(page.forge.db, owner)
    return repositories.by_name(page.forge.db, account.id, name) if account else None


def may_write(page: Page, found: Repository | None) -> bool:
    """Whether who asks may write ``found``."""
    return found is not None and access.mode(page.forge.db, page.identity, found) >= Mode.WRITE


def may_publish(page: Page) -> bool:
    """Whether who asks may write ``main/config``; as long as there is none, an administrator may, with a password."""
    control, identity = repository(page, CONTROL), page.identity
    if control is None:
        return identity.user is not None and identity.user.admin and identity.token is None
    return may_write(page, control)
