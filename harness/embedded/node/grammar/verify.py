"""Parameters checked against the schema, all faults at once, in PVE's words and order of checks.

One mechanism for every call: what a parameter may be is in the schema file only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from harness.embedded.node.grammar import formats, property_formats, property_string

Rule = Mapping[str, Any]
Errors = dict[str, str]

MISSING = "property is missing and it is not optional"
UNDEFINED = "property is not defined in schema and the schema does not allow additional properties"
_TYPES = {
    "integer": re.compile(r"[+-]?\d+", re.ASCII),
    "number": re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII),
    "boolean": re.compile(r"[01]"),
}


def verify_object(
    rules: Mapping[str, Rule], values: Mapping[str, Any], path: str = "", *, extra: bool = False
) -> Errors:
    """The faults of ``values``, by name (``path.name`` inside a property string)."""
    errors: Errors = {}
    prefix = f"{path}." if path else ""
    for name, value in values.items():
        rule = rules.get(name)
        if rule is None:
            if not extra:
                _add(errors, prefix + name, UNDEFINED)
        else:
            _verify_one(rule, value, prefix + name, errors)
            needed = rule.get("requires")
            if isinstance(needed, str) and value is not None and values.get(needed) is None:
                _add(errors, prefix + needed, f"missing property required by '{prefix}{name}'")
    for name, rule in rules.items():
        if name not in values and not rule.get("optional"):
            _add(errors, prefix + name, MISSING)
    return errors


def _add(errors: Errors, path: str, text: str) -> None:
    errors[path] = f"{errors[path]}\\n{text}" if path in errors else text


def _verify_one(rule: Rule, value: Any, path: str, errors: Errors) -> None:
    if value is None:
        if not rule.get("optional"):
            _add(errors, path, MISSING)
        return
    kind = str(rule.get("type", "string"))
    if kind == "array":
        _verify_array(rule, value, path, errors)
        return
    fault = _type_fault(kind, value) or _format_fault(rule, str(value), path) or _limit_fault(rule, kind, str(value))
    if fault:
        _add(errors, path, fault)


def _verify_array(rule: Rule, value: Any, path: str, errors: Errors) -> None:
    items = value if isinstance(value, list) else [value]
    for index, item in enumerate(items):
        _verify_one(rule.get("items", {}), item, f"{path}[{index}]", errors)


def _type_fault(kind: str, value: Any) -> str | None:
    if isinstance(value, (list, dict)):
        return f"type check ('{kind}') failed - got {'ARRAY' if isinstance(value, list) else 'HASH'}"
    expected = _TYPES.get(kind)
    if expected and not expected.fullmatch(str(value)):
        return f"type check ('{kind}') failed - got '{value}'"
    return None


def _format_fault(rule: Rule, text: str, path: str) -> str | None:
    form = rule.get("format")
    try:
        if isinstance(form, str) and form in property_formats.NAMED:
            property_formats.check_together(form, parse_property(property_formats.NAMED[form], text, path))
        elif isinstance(form, str):
            formats.check(form, text)
        elif form:
            parse_property(form, text, path)
    except property_string.PropertyError as wrong:
        lines = "".join(f"{name}: {fault}\n" for name, fault in sorted(wrong.errors.items()))
        return f"invalid format - {wrong}\n{lines}"
    except ValueError as wrong:
        return f"invalid format - {wrong}\n"
    return None


def _limit_fault(rule: Rule, kind: str, text: str) -> str | None:
    pattern = rule.get("pattern")
    if pattern and not compile_perl(pattern).search(text):
        return "value does not match the regex pattern"
    if "maxLength" in rule and len(text) > int(rule["maxLength"]):
        return f"value may only be {rule['maxLength']} characters long"
    if "minLength" in rule and len(text) < int(rule["minLength"]):
        return f"value must be at least {rule['minLength']} characters long"
    if kind in ("integer", "number"):
        return _range_fault(rule, float(text))
    if rule.get("enum") and text not in rule["enum"]:
        return f"value '{text}' does not have a value in the enumeration '{', '.join(rule['enum'])}'"
    return None


def _range_fault(rule: Rule, number: float) -> str | None:
    if "minimum" in rule and number < float(rule["minimum"]):
        return f"value must have a minimum value of {rule['minimum']}"
    if "maximum" in rule and number > float(rule["maximum"]):
        return f"value must have a maximum value of {rule['maximum']}"
    return None


@lru_cache(maxsize=256)
def compile_perl(pattern: str) -> re.Pattern[str]:
    """A Perl expression of the schema for Python, anchored as PVE anchors it (without grouping its alternatives)."""
    translated = re.sub(r"\(\?\^([a-z]*):", lambda m: f"(?{m[1]}:", pattern)
    translated = translated.replace(r"\z", r"\Z").replace("[[:^cntrl:]]", r"[^\x00-\x1f\x7f]")
    return re.compile(f"^{translated}$", re.ASCII)


def parse_property(form: property_string.Format, text: str, path: str = "") -> dict[str, str]:
    """The properties of a text, every value checked; raises ``PropertyError`` with each fault by its path."""
    values = property_string.split(form, text)
    errors = verify_object(form, values, path)
    if errors:
        raise property_string.PropertyError("format error", errors)
    return values
