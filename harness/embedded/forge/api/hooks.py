"""Webhooks of repositories and organisations."""

from __future__ import annotations

from starlette.responses import Response

from harness.embedded.forge.api import binding, forms, needs
from harness.embedded.forge.api.call import Call, answer, empty, paged
from harness.embedded.forge.api.routing import Routes
from harness.embedded.forge.services import hooks, payloads
from harness.embedded.forge.shapes import actions as shapes
from harness.embedded.forge.store.records import Hook

routes = Routes()
_PLACES = (
    ("/repos/{owner}/{repo}/hooks", needs.ADMINISTER),
    ("/orgs/{org}/hooks", needs.ORG_OWNER),
    ("/user/hooks", needs.ME),
)


def _within(call: Call) -> dict[str, int]:
    if call.found_repository:
        return {"repo_id": call.found_repository.id}
    return {"owner_id": (call.found_organisation or call.user).id}


def _found(call: Call) -> Hook:
    return hooks.find(call.forge, call.number("id"), **_within(call))


def every(call: Call) -> Response:
    """All of them."""
    return paged(call, [shapes.hook(one) for one in hooks.of(call.forge, **_within(call))])


def create(call: Call) -> Response:
    """A new one."""
    details = binding.read(call, forms.CREATE_HOOK)
    return answer(shapes.hook(hooks.create(call.forge, details, **_within(call))), 201)


def read(call: Call) -> Response:
    """One."""
    return answer(shapes.hook(_found(call)))


def edit(call: Call) -> Response:
    """Change one."""
    details = binding.read(call, forms.EDIT_HOOK)
    return answer(shapes.hook(hooks.edit(call.forge, _found(call), details)))


def delete(call: Call) -> Response:
    """Remove one."""
    hooks.delete(call.forge, _found(call))
    return empty()


for _path, _needs in _PLACES:
    routes.get(_path, _needs)(every)
    routes.post(_path, _needs)(create)
    routes.get(f"{_path}/{{id}}", _needs)(read)
    routes.patch(f"{_path}/{{id}}", _needs)(edit)
    routes.delete(f"{_path}/{{id}}", _needs)(delete)


@routes.post("/repos/{owner}/{repo}/hooks/{id}/tests", needs.ADMINISTER)
def test(call: Call) -> Response:
    """Send the newest commit as if it had been pushed."""
    payload = payloads.test_push(call.view, call.repository, call.user)
    hooks.queue(call.forge, _found(call), "push", payload)
    return empty()
