"""Variables and secrets of a repository, an organisation or a person. A secret is set and never shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response

from harness.embedded.forge import access
from harness.embedded.forge.errors import not_found
from harness.embedded.forge.pages import respond
from harness.embedded.forge.pages.doors import ADMIN, USER, Doors, Handler
from harness.embedded.forge.pages.page import Page
from harness.embedded.forge.services import organisations, variables
from harness.embedded.forge.services.variables import Holder
from harness.embedded.forge.store import actions
from harness.embedded.forge.store.records import Account

doors = Doors()


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose they are, how the page calls it, and where its settings are."""

    holder: Holder
    kind: str
    name: str
    home: str
    account: Account | None = None


def _of_repository(page: Page) -> Owner:
    found = page.repository
    return Owner(Holder(0, found.id), "repository", found.full_name, f"/{found.full_name}/settings/actions")


def _of_organisation(page: Page) -> Owner:
    found = organisations.find(page.forge, page.params["org"])
    if not access.is_owner(page.forge.db, page.user, found):
        raise not_found()
    return Owner(Holder(found.id, 0), "organisation", found.name, f"/org/{found.name}/settings/actions", found)


def _of_person(page: Page) -> Owner:
    return Owner(Holder(page.user.id, 0), "person", page.user.name, "/user/settings/actions")


def _list(page: Page, owner: Owner) -> Response:
    """Both lists."""
    part = "secrets" if page.path.endswith("/secrets") else "variables"
    holder = owner.holder
    values = {
        "variables": actions.variables(page.forge.db, holder.owner_id, holder.repo_id) if part == "variables" else [],
        "secrets": variables.secrets(page.forge, holder) if part == "secrets" else [],
    }
    return respond.show(page, "variables", tab="settings", part=part, owner=owner, **values)


def _set_variable(page: Page, owner: Owner) -> Response:
    """A new value, under a new name or a known one."""
    name, value = page.required("name", "A name").upper(), page.value("value")
    description = page.value("description").strip()
    if actions.variable(page.forge.db, owner.holder.owner_id, owner.holder.repo_id, name):
        variables.update(page.forge, owner.holder, name, value, "", description)
    else:
        variables.create(page.forge, owner.holder, name, value, description)
    return respond.done(page, f"{name} is set.", f"{owner.home}/variables")


def _delete_variable(page: Page, owner: Owner) -> Response:
    name = page.required("name", "A name")
    variables.delete(page.forge, owner.holder, name)
    return respond.done(page, f"{name} is gone.", f"{owner.home}/variables")


def _set_secret(page: Page, owner: Owner) -> Response:
    """A new secret, or another value of one."""
    name = page.required("name", "A name").upper()
    value = page.required("value", "A value")
    is_new = variables.put_secret(page.forge, owner.holder, name, value, page.value("description").strip())
    words = "is kept" if is_new else "has a new value"
    return respond.done(page, f"{name} {words}. It is shown to nobody.", f"{owner.home}/secrets")


def _delete_secret(page: Page, owner: Owner) -> Response:
    name = page.required("name", "A name")
    variables.delete_secret(page.forge, owner.holder, name)
    return respond.done(page, f"{name} is gone.", f"{owner.home}/secrets")


_FINDERS = (
    ("/org/{org}/settings/actions", _of_organisation, USER),
    ("/user/settings/actions", _of_person, USER),
    ("/{owner}/{repo}/settings/actions", _of_repository, ADMIN),
)
_FORMS = (
    ("GET", "variables", _list),
    ("GET", "secrets", _list),
    ("POST", "variables", _set_variable),
    ("POST", "variables/delete", _delete_variable),
    ("POST", "secrets", _set_secret),
    ("POST", "secrets/delete", _delete_secret),
)


def _register() -> None:
    """Three owners, six forms."""
    for prefix, finder, needs in _FINDERS:
        for method, rest, handler in _FORMS:
            doors.add(method, f"{prefix}/{rest}", needs)(_bound(finder, handler))


def _bound(finder: Callable[[Page], Owner], handler: Callable[[Page, Owner], Response]) -> Handler:
    return lambda page: handler(page, finder(page))


_register()
