"""Who may do what where: ACL entries resolved along a path, as PVE resolves them.

A deeper entry replaces what was inherited; on one level an entry of the user (or token) replaces those of groups;
pool membership lends the pool's privileges to its members. root@pam may everything; a token without privilege
separation has its user's privileges and is yet not root@pam.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from harness.embedded.node import roles
from harness.embedded.node.errors import denied
from harness.embedded.node.faults import Plan
from harness.embedded.node.store import Store, Table

T = TypeVar("T")
ROOT = "root@pam"
_MOST_ANSWERS = 20_000
DEFAULT_PATHS = ("/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms")
Grants = dict[str, bool]
"""Role or privilege → whether it is inherited further down."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the access control list."""

    path: str
    kind: str
    subject: str
    role: str
    propagate: bool


class Permissions:
    """Answers every question about privileges."""

    def __init__(
        self, store: Store, release: str, pool_of: Callable[[str], str | None], faults: Plan | None = None
    ) -> None:
        self.release = release
        self._faults = faults or Plan()
        self._acl = store.table("acl")
        self._users = store.table("user")
        self._tokens = store.table("token")
        self._groups = store.table("group")
        self._roles = store.table("role")
        self._pool_of = pool_of
        tables = (self._acl, self._users, self._tokens, self._groups, self._roles, store.table("pool"))
        self._known = _Cache(tables)

    def role_privileges(self, role: str) -> frozenset[str]:
        """The privileges of a built-in or own role."""
        built_in = roles.built_in(self.release)
        if role in built_in:
            return built_in[role]
        record = self._roles.get(role)
        return frozenset(record["privs"]) if record else frozenset()

    def role_exists(self, role: str) -> bool:
        """Whether the role is built in or was made."""
        return role in roles.built_in(self.release) or role in self._roles

    def entries(self) -> list[Entry]:
        """The whole list."""
        found = []
        for _, record in self._acl.items():  # noqa: PERF102  # a table of the store, not a dict
            found.append(Entry(record["path"], record["type"], record["ugid"], record["roleid"], record["propagate"]))
        return found

    def privileges(self, who: str, path: str) -> Mapping[str, bool]:
        """The privileges of a user or token on a path."""
        held: Mapping[str, bool] = self._known.get((who, path), lambda: self._privileges(who, path))
        dropped = [fault.privilege for fault in self._faults.in_force("drop-privilege", user=who)]
        return {name: down for name, down in held.items() if not _any_fits(name, dropped)} if dropped else held

    def is_root(self, who: str) -> bool:
        """Whether no question is asked: root@pam, unless a fault takes privileges from it."""
        return who == ROOT and not self._faults.in_force("drop-privilege", user=who)

    def _privileges(self, who: str, path: str) -> Grants:
        if who == ROOT:
            return dict.fromkeys(roles.all_privileges(self.release), True)
        user, _, token = who.partition("!")
        if token:
            return self._token_privileges(user, who, path)
        if not self._enabled(user):
            return {}
        return self._expand(self._roles_on(who, path), self._pool_roles(who, path))

    def _enabled(self, user: str) -> bool:
        record = self._users.get(user)
        return record is not None and bool(record.get("enable", 1))

    def _token_privileges(self, user: str, who: str, path: str) -> Grants:
        record = self._tokens.get(who)
        if record is None:
            return {}
        owner = self.privileges(user, path)
        if not record.get("privsep", 1):
            return dict(owner)
        own = self._expand(self._roles_on(who, path), self._pool_roles(who, path))
        return {name: inherited and owner[name] for name, inherited in own.items() if name in owner}

    def _expand(self, *granted: Mapping[str, bool]) -> Grants:
        found: Grants = {}
        for role_grants in granted:
            if "NoAccess" in role_grants:
                continue
            for role, inherited in role_grants.items():
                for privilege in self.role_privileges(role):
                    found[privilege] = found.get(privilege, False) or inherited
        return found

    def _pool_roles(self, who: str, path: str) -> Grants:
        pool = self._pool_of(path)
        if pool is None:
            return {}
        granted = self._roles_on(who, f"/pool/{pool}")
        return {role: inherited for role, inherited in granted.items() if inherited}

    def _roles_on(self, who: str, path: str) -> Grants:
        granted: Grants = {}
        by_path = self._known.get(("", ""), self._by_path)
        for level in levels(path):
            here = self._at(who, by_path.get(level, ()), final=level == path)
            if here:
                granted = here
        return granted

    def _by_path(self) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = {}
        for entry in self.entries():
            found.setdefault(entry.path, []).append(entry)
        return found

    def _at(self, who: str, entries: Iterable[Entry], *, final: bool) -> Grants:
        kind = "token" if "!" in who else "user"
        own: Grants = {}
        by_group: Grants = {}
        for entry in entries:
            if not (final or entry.propagate):
                continue
            if entry.kind == kind and entry.subject == who:
                own[entry.role] = entry.propagate
            elif entry.kind == "group" and kind == "user" and self._is_member(who, entry.subject):
                by_group[entry.role] = entry.propagate
        return own or by_group

    def _is_member(self, user: str, group: str) -> bool:
        record = self._users.get(user)
        return record is not None and group in record.get("groups", [])

    def allows(self, who: str, path: str, privileges: Iterable[str]) -> bool:
        """Whether all privileges are held."""
        held = self.privileges(who, path)
        return all(privilege in held for privilege in privileges)

    def allows_any(self, who: str, path: str, privileges: Iterable[str]) -> bool:
        """Whether one of the privileges is held."""
        held = self.privileges(who, path)
        return any(privilege in held for privilege in privileges)

    def require(self, who: str, path: str, privileges: Iterable[str]) -> None:
        """Raise 403 naming the first privilege that is missing."""
        held = self.privileges(who, path)
        for privilege in privileges:
            if privilege not in held:
                raise denied(f"{path}, {privilege}")

    def require_any(self, who: str, path: str, privileges: Iterable[str]) -> None:
        """Raise 403 naming all of them when none is held."""
        wanted = list(privileges)
        if not self.allows_any(who, path, wanted):
            raise denied(f"{path}, {'|'.join(wanted)}")

    def paths(self) -> list[str]:
        """The default paths and all those in the list, with their parents."""
        known = set(DEFAULT_PATHS)
        for entry in self.entries():
            known.update(levels(entry.path))
        return sorted(known)


def _any_fits(privilege: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(privilege, pattern) for pattern in patterns)


class _Cache:
    """Answers that hold until one of the tables they come from is written."""

    def __init__(self, tables: tuple[Table, ...]) -> None:
        self._tables = tables
        self._answers: dict[tuple[str, str], Any] = {}
        self._version = -1

    def get(self, key: tuple[str, str], find: Callable[[], T]) -> T:
        """The kept answer for ``key``, or that of ``find``."""
        version = sum(table.version for table in self._tables)
        if version != self._version or len(self._answers) > _MOST_ANSWERS:
            self._answers = {}
            self._version = version
        answers = self._answers
        if key not in answers:
            answers[key] = find()
        found: T = answers[key]
        return found


def levels(path: str) -> list[str]:
    """``/a/b`` → ``/``, ``/a``, ``/a/b``."""
    parts = [part for part in path.split("/") if part]
    return ["/", *("/" + "/".join(parts[: index + 1]) for index in range(len(parts)))]
