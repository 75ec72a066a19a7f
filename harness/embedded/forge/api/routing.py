"""The table of routes, and what each asks for before it runs.

Order as in Gitea, because it decides which refusal a client reads: who (401), sign-in needed (401), the token's scope
(403), site administrator (403), organisation or repository found (404), permission (403), archived (423), then the body
(422).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from starlette.responses import Response

from harness.embedded.forge.access import Mode
from harness.embedded.forge.api.call import Call

Handler = Callable[[Call], Response]
_ORDER = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Needs:
    """What a route asks for.

    ``scopes`` are groups that a token needs one after the other, ``mode`` is of the repository, ``writes`` refuses
    archived repositories.
    """

    scopes: tuple[tuple[str, ...], ...] = ()
    token: bool = False
    site_admin: bool = False
    mode: Mode = Mode.NONE
    writes: bool = False
    member: bool = False
    org_owner: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a pattern: ``{name}`` is one segment, ``{name*}`` at the end is the rest."""

    method: str
    parts: tuple[str, ...]
    handler: Handler
    needs: Needs

    def match(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        """The values in the path, or ``None``."""
        rest = bool(self.parts) and self.parts[-1].endswith("*}")
        fixed = self.parts[:-1] if rest else self.parts
        if (len(segments) < len(self.parts)) if rest else (len(segments) != len(fixed)):
            return None
        found = _match_fixed(fixed, segments)
        if found is not None and rest:
            found[self.parts[-1][1:-2]] = unquote("/".join(segments[len(fixed) :]))
        return found


def _match_fixed(parts: tuple[str, ...], segments: tuple[str, ...]) -> dict[str, str] | None:
    found: dict[str, str] = {}
    for part, segment in zip(parts, segments, strict=False):
        if part.startswith("{"):
            found[part[1:-1]] = unquote(segment)
        elif part != segment:
            return None
    return found


class Routes:
    """Routes of one area; all areas are put together by ``Table``."""

    def __init__(self) -> None:
        self.routes: list[Route] = []

    def add(self, method: str, pattern: str, needs: Needs) -> Callable[[Handler], Handler]:
        """Decorate the function that answers ``method`` on ``pattern``."""
        parts = tuple(pattern.strip("/").split("/"))

        def register(handler: Handler) -> Handler:
            self.routes.append(Route(method, parts, handler, needs))
            return handler

        return register

    def get(self, pattern: str, needs: Needs) -> Callable[[Handler], Handler]:
        """Decorate a reader."""
        return self.add("GET", pattern, needs)

    def post(self, pattern: str, needs: Needs) -> Callable[[Handler], Handler]:
        """Decorate a maker."""
        return self.add("POST", pattern, needs)

    def put(self, pattern: str, needs: Needs) -> Callable[[Handler], Handler]:
        """Decorate a setter."""
        return self.add("PUT", pattern, needs)

    def patch(self, pattern: str, needs: Needs) -> Callable[[Handler], Handler]:
        """Decorate a changer."""
        return self.add("PATCH", pattern, needs)

    def delete(self, pattern: str, needs: Needs) -> Callable[[Handler], Handler]:
        """Decorate a remover."""
        return self.add("DELETE", pattern, needs)


def _vagueness(route: Route) -> tuple[bool, int]:
    return route.parts[-1].endswith("*}"), sum(part.startswith("{") for part in route.parts)


class Table:
    """All routes, by the first segment of their patterns."""

    def __init__(self, *areas: Routes) -> None:
        self._by_first: dict[str, list[Route]] = {}
        for area in areas:
            for route in area.routes:
                self._by_first.setdefault(route.parts[0], []).append(route)
        for routes in self._by_first.values():
            routes.sort(key=_vagueness)  # the most exact pattern wins, wherever it was declared

    def find(self, method: str, path: str) -> tuple[Route | None, dict[str, str], tuple[str, ...]]:
        """The route with its values, or the methods that the path has."""
        segments = tuple(path.strip("/").split("/"))
        allowed: set[str] = set()
        for route in self._by_first.get(segments[0], ()):
            values = route.match(segments)
            if values is None:
                continue
            if route.method == method:
                return route, values, ()
            allowed.add(route.method)
        return None, {}, tuple(name for name in _ORDER if name in allowed)
