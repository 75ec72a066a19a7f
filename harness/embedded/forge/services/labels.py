"""Labels of repositories and organisations, and which pull requests carry them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from harness.embedded.forge.errors import InvalidError, not_found
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.store.labels import Holder, Label, of
from harness.embedded.forge.store.records import Pull, Repository

_COLOR = re.compile(r"#?[0-9a-fA-F]{6}|#?[0-9a-fA-F]{3}")


def find(forge: Forge, holder: Holder, key: int) -> Label:
    """One of them; raises ``MissingError``."""
    for label in of(forge.db, holder):
        if label.id == key:
            return label
    raise not_found()


def create(forge: Forge, holder: Holder, details: Mapping[str, Any]) -> Label:
    """A new one."""
    values = _values(details)
    key = forge.db.insert("label", owner_id=holder.owner_id, repo_id=holder.repo_id, **values)
    return find(forge, holder, key)


def edit(forge: Forge, holder: Holder, label: Label, details: Mapping[str, Any]) -> Label:
    """Change what the names of ``details`` say."""
    forge.db.update("label", label.id, **_values(details))
    return find(forge, holder, label.id)


def _values(details: Mapping[str, Any]) -> dict[str, Any]:
    names = {"name": "name", "description": "description", "exclusive": "exclusive", "is_archived": "archived"}
    values = {names[key]: details[key] for key in names if key in details}
    if "color" in details:
        values["color"] = _color(str(details["color"]))
    return values


def _color(given: str) -> str:
    if not _COLOR.fullmatch(given):
        raise InvalidError(f"bad color code: {given}")
    digits = given.removeprefix("#").lower()
    return digits if len(digits) == 6 else "".join(digit * 2 for digit in digits)


def known(forge: Forge, repository: Repository, wanted: Sequence[Any]) -> list[Label]:
    """Those that ``wanted`` names by number or by name; others are passed over, as in Gitea."""
    holders = (Holder(repo_id=repository.id), Holder(owner_id=repository.owner_id))
    held = [label for holder in holders for label in of(forge.db, holder)]
    return [label for label in held if label.id in wanted or label.name in wanted]


def put(forge: Forge, found: Pull, wanted: Sequence[Label]) -> None:
    """Let it carry exactly these."""
    with forge.db.write():
        forge.db.run("DELETE FROM pull_label WHERE pull_id = ?", found.id)
        for label in wanted:
            forge.db.run("INSERT INTO pull_label VALUES (?, ?)", found.id, label.id)
