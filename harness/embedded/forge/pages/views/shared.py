"""What several pages show: readable repositories, checks, a pager."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from harness.embedded.forge.pages.page import Page
from harness.embedded.forge.services import repositories as repository_service
from harness.embedded.forge.shapes import pulls as pulls_shape
from harness.embedded.forge.store import browsing, repositories
from harness.embedded.forge.store.records import Repository, Status

PER_PAGE = 30


@dataclass(frozen=True, slots=True)
class Pager:
    """Which page of how many; the addresses of its neighbours, empty where there is none."""

    at: int
    last: int
    total: int
    previous: str
    next: str


def pager(page: Page, total: int, per_page: int = PER_PAGE) -> Pager:
    """For ``total`` entries."""
    last = max(-(-total // per_page), 1)
    return Pager(
        page.at,
        last,
        total,
        _address(page, min(page.at - 1, last)) if page.at > 1 else "",
        _address(page, page.at + 1) if page.at < last else "",
    )


def _address(page: Page, at: int) -> str:
    return "?" + urlencode({**page.query, "page": [str(at)]}, doseq=True)


def skip(page: Page, per_page: int = PER_PAGE) -> int:
    """How many entries come before the page."""
    return (page.at - 1) * per_page


def readable(page: Page) -> list[Repository]:
    """Every repository that the viewer may see, by owner and name."""
    return repository_service.readable(page.forge, page.identity, repositories.every(page.forge.db))


@dataclass(frozen=True, slots=True)
class Checks:
    """What checks say of a commit: the newest of each context, and the worst of them (empty: none said anything)."""

    state: str
    each: tuple[Status, ...]

    @property
    def passed(self) -> int:
        """How many have nothing against it."""
        return sum(one.state in {"success", "skipped"} for one in self.each)


NO_CHECKS = Checks("", ())


def checks(found: Sequence[Status]) -> Checks:
    """Of statuses, newest first."""
    each = tuple(pulls_shape.newest_by_context(found))
    return Checks(pulls_shape.combined_state(each), each) if each else NO_CHECKS


def checks_of(page: Page, shas: Sequence[str]) -> dict[tuple[int, str], Checks]:
    """The same for many commits at once, by repository and commit."""
    return {key: checks(found) for key, found in browsing.statuses(page.forge.db, shas).items()}
