"""Variables and secrets of a repository, an organisation, the asker."""

from __future__ import annotations

from starlette.responses import Response

from harness.embedded.forge import clock
from harness.embedded.forge.api import binding, forms, needs
from harness.embedded.forge.api.call import Call, answer, empty, page_headers, paged
from harness.embedded.forge.api.routing import Routes
from harness.embedded.forge.services import variables
from harness.embedded.forge.services.variables import Holder
from harness.embedded.forge.shapes import actions as shapes
from harness.embedded.forge.store import actions

routes = Routes()
_PLACES = (
    ("/repos/{owner}/{repo}/actions", needs.OWN),
    ("/orgs/{org}/actions", needs.ORG_OWNER),
    ("/user/actions", needs.ME),
)


def _holder(call: Call) -> Holder:
    if call.found_repository:
        return Holder(repo_id=call.found_repository.id)
    return Holder(owner_id=call.found_organisation.id if call.found_organisation else call.user.id)


def every(call: Call) -> Response:
    """All variables."""
    holder = _holder(call)
    found = actions.variables(call.forge.db, holder.owner_id, holder.repo_id)
    return paged(call, [shapes.variable(one) for one in found])


def read(call: Call) -> Response:
    """One variable."""
    return answer(shapes.variable(variables.find(call.forge, _holder(call), call.params["name"])))


def create(call: Call) -> Response:
    """A new variable."""
    details = binding.read(call, forms.CREATE_VARIABLE)
    description = details.get("description", "")
    variables.create(call.forge, _holder(call), call.params["name"], details["value"], description)
    return empty(201)


def update(call: Call) -> Response:
    """Another value."""
    details = binding.read(call, forms.UPDATE_VARIABLE)
    new, description = details.get("name", ""), details.get("description", "")
    variables.update(call.forge, _holder(call), call.params["name"], details["value"], new, description)
    return empty(204)


def delete(call: Call) -> Response:
    """Remove a variable."""
    variables.delete(call.forge, _holder(call), call.params["name"])
    return empty(204)


def secrets(call: Call) -> Response:
    """Which secrets there are; never what they hold."""
    found = variables.secrets(call.forge, _holder(call))
    shown = [{"name": one.name, "description": one.description, "created_at": clock.show(one.created)} for one in found]
    return answer(list(call.slice(shown)), 200, page_headers(call, len(shown)))


def put_secret(call: Call) -> Response:
    """Set a secret."""
    details = binding.read(call, forms.SECRET)
    description = details.get("description", "")
    new = variables.put_secret(call.forge, _holder(call), call.params["name"], details["data"], description)
    return empty(201 if new else 204)


def delete_secret(call: Call) -> Response:
    """Remove a secret."""
    variables.delete_secret(call.forge, _holder(call), call.params["name"])
    return empty(204)


for _path, _needs in _PLACES:
    routes.get(f"{_path}/variables", _needs)(every)
    routes.get(f"{_path}/variables/{{name}}", _needs)(read)
    routes.post(f"{_path}/variables/{{name}}", _needs)(create)
    routes.put(f"{_path}/variables/{{name}}", _needs)(update)
    routes.delete(f"{_path}/variables/{{name}}", _needs)(delete)
    routes.get(f"{_path}/secrets", _needs)(secrets)
    routes.put(f"{_path}/secrets/{{name}}", _needs)(put_secret)
    routes.delete(f"{_path}/secrets/{{name}}", _needs)(delete_secret)
