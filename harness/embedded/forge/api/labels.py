"""Labels, and those of pull requests."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from harness.embedded.forge.api import binding, forms, needs
from harness.embedded.forge.api.call import Call, answer, empty, paged
from harness.embedded.forge.api.routing import Routes
from harness.embedded.forge.errors import InvalidError, not_found
from harness.embedded.forge.services import events, labels, pulls
from harness.embedded.forge.shapes import labels as shapes
from harness.embedded.forge.store import labels as store
from harness.embedded.forge.store.labels import Holder, Label
from harness.embedded.forge.store.records import Pull

routes = Routes()
_REPO = "/repos/{owner}/{repo}"


def _holder(call: Call) -> Holder:
    if call.found_repository:
        return Holder(repo_id=call.found_repository.id)
    return Holder(owner_id=call.organisation.id)


def _shown(call: Call, found: list[Label]) -> list[dict[str, Any]]:
    return [shapes.label(call.view, one) for one in found]


def every(call: Call) -> Response:
    """All of them."""
    return paged(call, _shown(call, store.of(call.forge.db, _holder(call))))


def create(call: Call) -> Response:
    """A new one."""
    made = labels.create(call.forge, _holder(call), binding.read(call, forms.CREATE_LABEL))
    return answer(shapes.label(call.view, made), 201)


def _found(call: Call) -> Label:
    return labels.find(call.forge, _holder(call), call.number("id"))


def read(call: Call) -> Response:
    """One."""
    return answer(shapes.label(call.view, _found(call)))


def edit(call: Call) -> Response:
    """Change one."""
    details = binding.read(call, forms.EDIT_LABEL)
    return answer(shapes.label(call.view, labels.edit(call.forge, _holder(call), _found(call), details)))


def delete(call: Call) -> Response:
    """Remove one; one that is not there is removed already."""
    holder, key = _holder(call), call.number("id")
    if any(one.id == key for one in store.of(call.forge.db, holder)):
        call.forge.db.run("DELETE FROM label WHERE id = ?", key)
    return empty()


for _path, _reads, _writes in (
    (f"{_REPO}/labels", needs.ISSUES, needs.ISSUES_WRITE),
    ("/orgs/{org}/labels", needs.ORG, needs.ORG_OWNER),
):
    routes.get(_path, _reads)(every)
    routes.post(_path, _writes)(create)
    routes.get(f"{_path}/{{id}}", _reads)(read)
    routes.patch(f"{_path}/{{id}}", _writes)(edit)
    routes.delete(f"{_path}/{{id}}", _writes)(delete)


# Of a pull request


def _pull(call: Call) -> Pull:
    return pulls.find(call.forge, call.repository, call.number("index"))


def _carried(call: Call, found: Pull) -> Response:
    return answer(_shown(call, store.carried(call.forge.db, found.id)))


def _put(call: Call, found: Pull, wanted: list[Label]) -> None:
    labels.put(call.forge, found, wanted)
    action = "label_updated" if wanted else "label_cleared"
    events.pull(call.forge, call.user, found, action, call.base, kind="pull_request_label")


@routes.get(f"{_REPO}/issues/{{index}}/labels", needs.ISSUES)
def of_pull(call: Call) -> Response:
    """What it carries."""
    return _carried(call, _pull(call))


@routes.post(f"{_REPO}/issues/{{index}}/labels", needs.ISSUES_WRITE)
def add(call: Call) -> Response:
    """Let it carry more."""
    found, wanted = _pull(call), binding.read(call, forms.LABELS).get("labels", [])
    held = store.carried(call.forge.db, found.id)
    more = labels.known(call.forge, call.repository, wanted)
    _put(call, found, [*held, *(one for one in more if one not in held)])
    return _carried(call, found)


@routes.put(f"{_REPO}/issues/{{index}}/labels", needs.ISSUES_WRITE)
def replace(call: Call) -> Response:
    """Let it carry these and no others."""
    found, wanted = _pull(call), binding.read(call, forms.LABELS).get("labels", [])
    _put(call, found, labels.known(call.forge, call.repository, wanted))
    return _carried(call, found)


@routes.delete(f"{_REPO}/issues/{{index}}/labels", needs.ISSUES_WRITE)
def clear(call: Call) -> Response:
    """Let it carry none."""
    _put(call, _pull(call), [])
    return empty()


@routes.delete(f"{_REPO}/issues/{{index}}/labels/{{id}}", needs.ISSUES_WRITE)
def take(call: Call) -> Response:
    """Take one from it."""
    found, wanted = _pull(call), call.params["id"]
    known = labels.known(call.forge, call.repository, [int(wanted) if wanted.isdigit() else wanted])
    if not known:
        raise InvalidError(f"label does not exist [label_id: {wanted}]") if wanted.isdigit() else not_found()
    _put(call, found, [one for one in store.carried(call.forge.db, found.id) if one not in known])
    return empty()
