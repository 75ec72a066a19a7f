"""Addresses of pages and what each asks for before its view runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response

from harness.embedded.forge.access import Mode
from harness.embedded.forge.pages.page import Page

Handler = Callable[[Page], Response]


@dataclass(frozen=True, slots=True)
class Needs:
    """``user``: somebody signed in; ``mode``: of the repository in the address; ``archived``: works on archived ones
    too; ``api``: no form, so no form's token, and a view that identifies by itself; ``most``: bytes of what is sent.
    """

    user: bool = False
    mode: Mode = Mode.READ
    archived: bool = False
    api: bool = False
    most: int = 1024 * 1024


ANY = Needs()
USER = Needs(user=True)
WRITE = Needs(user=True, mode=Mode.WRITE)
ADMIN = Needs(user=True, mode=Mode.ADMIN)
API = Needs(api=True)


@dataclass(frozen=True, slots=True)
class Door:
    """A method, a Starlette pattern, and the view behind it."""

    method: str
    pattern: str
    handler: Handler
    needs: Needs


class Doors:
    """The doors of one area, in the order in which they are tried."""

    def __init__(self) -> None:
        self.doors: list[Door] = []

    def add(self, method: str, pattern: str, needs: Needs = ANY) -> Callable[[Handler], Handler]:
        """Decorate the view that answers ``method`` on ``pattern``."""

        def register(handler: Handler) -> Handler:
            self.doors.append(Door(method, pattern, handler, needs))
            return handler

        return register

    def get(self, pattern: str, needs: Needs = ANY) -> Callable[[Handler], Handler]:
        """Decorate a page."""
        return self.add("GET", pattern, needs)

    def post(self, pattern: str, needs: Needs = USER) -> Callable[[Handler], Handler]:
        """Decorate what a form does."""
        return self.add("POST", pattern, needs)
