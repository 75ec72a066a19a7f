"""The order of a run's items, and what was selected of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path

import pytest

from harness.suite import names
from harness.suite.collect import closing_item
from harness.suite.run import Mode, Run


class Selection:
    """Which items were collected and which are left after ``-k``, ``--lf`` and the like, by container.

    Put as the outermost of all that change the list, so that it sees it before them and after them.
    """

    def __init__(self, run: Run, arguments: Sequence[str]) -> None:
        self._run = run
        self._arguments = arguments
        self._collected: dict[str, set[str]] = defaultdict(set)
        self._selected: dict[str, set[str]] = defaultdict(set)

    def collected(self, container: str) -> frozenset[str]:
        """Names of all items of ``container`` that were found."""
        return frozenset(self._collected[container])

    def selected(self, container: str) -> frozenset[str]:
        """Names of those that will run."""
        return frozenset(self._selected[container])

    def unseen_specs(self, container: str) -> tuple[str, ...]:
        """Spec files on disk of which nothing was collected: broken, ignored, or left out on the command line."""
        entry = self._run.root / names.folder_of(container)
        files = sorted(str(path.relative_to(entry)) for path in (entry / names.SPECS).glob("test_*.py"))
        seen = {item.split("::", 1)[0] for item in self._collected[container]}
        return tuple(file for file in files if file not in seen)

    def narrowed(self, container: str) -> bool:
        """Whether the command line named single items of ``container``, so that others were not even collected."""
        prefix = f"{names.folder_of(container)}/"
        return any(prefix in argument.split("::")[0] for argument in self._arguments if "::" in argument)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> Generator[None, None, None]:
        """Note what is there, let others deselect, then put what is left in order and close every group."""
        _note(items, self._collected)
        yield
        _note(items, self._selected)
        if self._run.mode is Mode.DEPLOY:
            items += _missing_ends(session, self._run.root, items, self._selected)
        places = {entry.name: place for place, entry in enumerate(self._run.entries)}
        items.sort(key=lambda item: _place(item, places))


def _note(items: Iterable[pytest.Item], into: dict[str, set[str]]) -> None:
    for item in items:
        container = names.container_of(item.nodeid)
        if container is not None:
            into[container].add(names.item_of(item.nodeid))


def _missing_ends(
    session: pytest.Session, root: Path, items: Iterable[pytest.Item], selected: dict[str, set[str]]
) -> list[pytest.Item]:
    present = {names.container_of(item.nodeid) for item in items}
    return [
        closing_item(session, root, name)
        for name in sorted(selected)
        if name in present and names.Stage.END not in selected[name]
    ]


def _place(item: pytest.Item, places: dict[str, int]) -> tuple[int, int]:
    container = names.container_of(item.nodeid)
    return places.get(container or "", len(places)), names.position(item.nodeid)
