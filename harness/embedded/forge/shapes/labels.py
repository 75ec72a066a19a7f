"""Labels."""

from __future__ import annotations

from typing import Any

from harness.embedded.forge.shapes.view import View
from harness.embedded.forge.store import accounts, repositories
from harness.embedded.forge.store.labels import Label


def label(view: View, found: Label) -> dict[str, Any]:
    """A label with the address of what holds it."""
    return {
        "id": found.id,
        "name": found.name,
        "exclusive": found.exclusive,
        "is_archived": found.archived,
        "color": found.color,
        "description": found.description,
        "url": f"{_holder(view, found)}/labels/{found.id}",
    }


def _holder(view: View, found: Label) -> str:
    if found.owner_id:
        return f"{view.base}/api/v1/orgs/{accounts.by_id(view.db, found.owner_id).name}"
    repository = repositories.by_id(view.db, found.repo_id or 0)
    return view.api(repository) if repository else ""
