"""The permission expressions of the schema, evaluated: one mechanism for all calls.

An expression is a list: ``["perm", path, [privileges], options…]``, ``["and"|"or", expressions…]``,
``["userid-param", …]``, ``["userid-group", …]``, ``["perm-modify", path]`` (PVE API schema, key ``permissions``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from harness.embedded.node.errors import ApiError, denied
from harness.embedded.node.grammar.formats import split_list
from harness.embedded.node.permissions import Permissions
from harness.embedded.node.store import Table

Values = Mapping[str, Any]


class Evaluator:
    """Evaluates an expression for one caller."""

    def __init__(self, permissions: Permissions, users: Table) -> None:
        self._permissions = permissions
        self._users = users

    def require(self, rule: Mapping[str, Any] | None, who: str, values: Values) -> None:
        """Raise 403 when the call is not allowed."""
        if self._permissions.is_root(who):
            return
        if rule is None:
            raise denied("user != root@pam")
        if "check" in rule:
            self._check(rule["check"], who, values)
        elif rule.get("user") not in ("all", "world"):
            raise denied()

    def _check(self, expression: Sequence[Any], who: str, values: Values) -> None:
        kind = expression[0]
        if kind == "and":
            for part in expression[1:]:
                self._check(part, who, values)
        elif kind == "or":
            if not any(self._holds(part, who, values) for part in expression[1:]):
                raise denied()
        elif kind == "perm":
            self._check_privileges(expression, who, values)
        elif kind == "perm-modify":
            require_modify(self._permissions, who, fill(expression[1], values))
        elif kind == "userid-param":
            self._check_user(expression[1], who, values)
        else:
            self._check_group(expression, who, values)

    def _holds(self, expression: Sequence[Any], who: str, values: Values) -> bool:
        try:
            self._check(expression, who, values)
        except ApiError:
            return False
        return True

    def _check_privileges(self, expression: Sequence[Any], who: str, values: Values) -> None:
        path, privileges = fill(expression[1], values), expression[2]
        options = dict(zip(expression[3::2], expression[4::2], strict=False))
        if "require_param" in options and not values.get(options["require_param"]):
            raise denied()
        if options.get("any"):
            self._permissions.require_any(who, path, privileges)
        else:
            self._permissions.require(who, path, privileges)

    def _check_user(self, test: str, who: str, values: Values) -> None:
        userid = str(values.get("userid", ""))
        if test == "self":
            if userid != who:
                raise denied()
            return
        realm = userid.partition("@")[2]
        self._permissions.require(who, f"/access/realm/{realm}", [test])

    def _check_group(self, expression: Sequence[Any], who: str, values: Values) -> None:
        privileges, options = expression[1], expression[2:]
        groups = self._groups(options, values)
        paths = ["/access/groups", *(f"/access/groups/{group}" for group in groups)]
        if not any(self._permissions.allows_any(who, path, privileges) for path in paths):
            raise denied(f"/access/groups, {'|'.join(privileges)}")

    def _groups(self, options: Sequence[Any], values: Values) -> list[str]:
        if options[:2] == ["groups_param", "create"]:
            return split_list(str(values.get("groups", "")))
        record = self._users.get(str(values.get("userid", "")))
        return list(record.get("groups", [])) if record else []


def require_modify(permissions: Permissions, who: str, path: str) -> None:
    """Raise 403 unless the ACL of ``path`` may be changed: by Permissions.Modify or the object's own Allocate."""
    wanted = ["Permissions.Modify"]
    for start, privilege in (
        ("/storage/", "Datastore.Allocate"),
        ("/vms/", "VM.Allocate"),
        ("/pool/", "Pool.Allocate"),
    ):
        if path.startswith(start) and len(path) > len(start):
            wanted.append(privilege)
    permissions.require_any(who, path, wanted)


def fill(path: str, values: Values) -> str:
    """``/vms/{vmid}`` with the value of the parameter."""
    return re.sub(r"\{(\w+)\}", lambda found: str(values.get(found[1], "")), path)
