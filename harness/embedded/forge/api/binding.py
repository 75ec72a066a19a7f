"""Bodies: read as Gitea reads them, checked field by field, refused in its words.

Gitea decodes with goccy/go-json into structs and checks tags with gitea.com/go-chi/binding; the first wrong field is
the one that is named, by the Go field's name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from harness.embedded.forge.api.call import Call
from harness.embedded.forge.errors import InvalidError
from harness.embedded.forge.git import names

_USERNAME = re.compile(r"[\da-zA-Z][-.\w]*", re.ASCII)
_USERNAME_BAD = re.compile(r"[-._]{2,}|[-._]$")
_DASH_DOT = re.compile(r"[\w.-]+", re.ASCII)
_EMAIL = re.compile(r"[^\s@<>,;:()\[\]\\\"]+@[^\s@<>,;:()\[\]\\\"]+")


def _username(text: str) -> bool:
    return _USERNAME.fullmatch(text) is not None and not _USERNAME_BAD.search(text)


def _url(text: str) -> bool:
    return text == "" or re.match(r"https?://[^\s/]+", text) is not None


_RULES: dict[str, tuple[Callable[[str], bool], str]] = {
    "Username": (_username, "invalid username"),
    "AlphaDashDot": (lambda text: _DASH_DOT.fullmatch(text) is not None, "AlphaDashDot"),
    "GitRefName": (names.is_ref_name, "GitRefName"),
    "Email": (lambda text: _EMAIL.fullmatch(text) is not None, "Email"),
    "ValidUrl": (_url, "Url"),
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its Go name, its kind (string, bool, int64, list, object) and the rules in their order."""

    go: str
    kind: str = "string"
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """A body: the Go struct's name and its fields by JSON key."""

    name: str
    fields: Mapping[str, Field]


def text(go: str, *rules: str) -> Field:
    """A string."""
    return Field(go, "string", rules)


def flag(go: str) -> Field:
    """A boolean."""
    return Field(go, "bool")


def read(call: Call, form: Form) -> dict[str, Any]:
    """The body's known fields that were given and are not null; raises ``InvalidError``."""
    raw = _decode(call, form)
    known = {key.lower(): key for key in form.fields}
    values = {known[key.lower()]: value for key, value in raw.items() if key.lower() in known and value is not None}
    for key, field in form.fields.items():
        if key in values:
            _check_kind(form, field, values[key])
    for key, field in form.fields.items():
        _check_rules(field, values.get(key))
    return values


def _refuse(field: str, words: str) -> InvalidError:
    return InvalidError(f"[{field}]: {words}")


def _decode(call: Call, form: Form) -> dict[str, Any]:
    kind = call.headers.get("content-type", "")
    if call.method not in {"POST", "PUT"} and not kind:
        return {}
    if "form-urlencoded" in kind:
        given = parse_qs(call.body.decode(errors="replace"), keep_blank_values=True)
        by_go = {field.go: key for key, field in form.fields.items()}
        return {by_go[name]: values[0] for name, values in given.items() if name in by_go}
    if "multipart/form-data" in kind:
        return {}
    if "json" not in kind:
        raise _refuse("", "Unsupported Content-Type" if kind else "Empty Content-Type")
    return _json(call.body.decode(errors="replace").strip())


def _json(body: str) -> dict[str, Any]:
    if not body:
        return {}
    try:
        value = json.loads(body)
    except json.JSONDecodeError as wrong:
        raise _refuse("", _json_words(body, wrong)) from wrong
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _refuse("", f"invalid character '{body[0]}' looking for beginning of value")
    return value


def _json_words(body: str, wrong: json.JSONDecodeError) -> str:
    if wrong.pos >= len(body):
        return "unexpected end of JSON input"
    return f"invalid character '{body[wrong.pos]}' looking for beginning of value"


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    named = {str: "string", int: "number", float: "number", list: "array", dict: "object"}
    return named[type(value)]


def _check_kind(form: Form, field: Field, value: Any) -> None:
    given = _kind_of(value)
    fits = {"string": "string", "bool": "bool", "int64": "number", "list": "array", "object": "object"}
    if given == fits[field.kind]:
        return
    if field.kind == "bool":
        raise _refuse("", "json: bool unexpected end of JSON input")
    if field.kind == "list" and given != "number":
        raise _refuse("", "json: slice unexpected end of JSON input")
    if field.kind == "object" or given == "bool":
        first = json.dumps(value)[0]
        raise _refuse("", f"invalid character '{first}' looking for beginning of value")
    shown = f"number {json.dumps(value)[0]}" if field.kind == "int64" else given
    kind = "[]string" if field.kind == "list" else field.kind
    raise _refuse("", f"json: cannot unmarshal {shown} into Go struct field {form.name}.{field.go} of type {kind}")


def _check_rules(field: Field, value: Any) -> None:
    for rule in field.rules:
        words = _broken(rule, value)
        if words:
            raise _refuse(field.go, words)


def _broken(rule: str, value: Any) -> str:
    """What is wrong by one rule; an empty string when nothing."""
    if rule == "Required":
        return "" if value not in (None, "", [], 0) else "Required"
    if value in (None, ""):
        return ""
    name, _, argument = rule.rstrip(")").partition("(")
    if name == "In":
        return "" if str(value) in argument.split(",") else "In"
    if name == "MaxSize":
        return "" if len(str(value)) <= int(argument) else "MaxSize"
    check, words = _RULES[name]
    return "" if check(str(value)) else words
