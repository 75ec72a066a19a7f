"""The account that the control plane works with on its forge."""

from __future__ import annotations

import secrets
from typing import Final

from harness.forge import users
from harness.forge.client import Forge
from harness.forge.session import Login
from harness.kit.secret import Secret
from harness.lifecycle.seeding import names

_SCOPES: Final = ("read:user", "write:issue", "write:organization", "write:repository")
_TITLE: Final = "control plane"


def service_login(admin: Forge, *, name: str = names.ACCOUNT, title: str = _TITLE) -> Login:
    """The login of the service account, made when missing; its earlier token of that title stops working.

    ``admin`` must be signed in with a password: forges make tokens for nobody who comes with a token.
    """
    users.ensure(admin, name, Secret(secrets.token_urlsafe(32)), email=f"{name}@localhost.localdomain")
    return Login(name, token=users.create_token(admin, name, title, _SCOPES))
