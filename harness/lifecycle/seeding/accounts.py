"""The accounts that the control plane and its recipes work with on a forge."""

from __future__ import annotations

import secrets
from typing import Final

from harness.forge import organisations, users
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


def recipes_login(admin: Forge, service: Forge) -> Login:
    """The login by which recipes read and write variables: it owns the organisations, its token opens nothing else.

    Forges let only owners of an organisation at its variables; the scope keeps everything else of them shut. The
    organisations are made by ``service`` where they are missing, so that they are its own.
    """
    name = names.RECIPES
    users.ensure(admin, name, Secret(secrets.token_urlsafe(32)), email=f"{name}@localhost.localdomain")
    for organisation, description in names.ORGANISATIONS.items():
        organisations.ensure(service, organisation, description)
        organisations.add_owner(admin, organisation, name)
    return Login(name, token=users.create_token(admin, name, _TITLE, ("write:organization",)))
