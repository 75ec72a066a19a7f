"""What a token may: categories, each read or write; write includes read."""

from __future__ import annotations

from collections.abc import Iterable

ADMIN, ISSUE, MISC, NOTIFICATION = "admin", "issue", "misc", "notification"
ORGANISATION, PACKAGE, REPOSITORY, USER = "organization", "package", "repository", "user"
_CATEGORIES = ("activitypub", ADMIN, MISC, NOTIFICATION, ORGANISATION, PACKAGE, ISSUE, REPOSITORY, USER)
_ORDER = tuple(f"{level}:{category}" for category in _CATEGORIES for level in ("write", "read"))
_PUBLIC = "public-only"
_EVERYTHING = frozenset(f"write:{category}" for category in _CATEGORIES)


def normalise(wanted: Iterable[str]) -> tuple[str, ...]:
    """The scopes in Gitea's order, without those that others include; raises ``ValueError`` naming a wrong one."""
    given = {scope.strip() for scope in wanted if scope.strip()}
    for scope in given:
        if scope not in {*_ORDER, "all", _PUBLIC}:
            raise ValueError(scope)
    if "all" in given or given >= _EVERYTHING:
        return (*([_PUBLIC] if _PUBLIC in given else []), "all")
    kept = {scope for scope in given if not (scope.startswith("read:") and f"write:{scope[5:]}" in given)}
    return tuple(scope for scope in (_PUBLIC, *_ORDER) if scope in kept)


def allows(held: str, category: str, level: str) -> bool:
    """Whether scopes as stored (comma-separated) include ``level`` of ``category``."""
    scopes = held.split(",")
    return "all" in scopes or f"write:{category}" in scopes or (level == "read" and f"read:{category}" in scopes)


def public_only(held: str) -> bool:
    """Whether a token sees public things only."""
    return _PUBLIC in held.split(",")
