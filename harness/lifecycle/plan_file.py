"""Plans as JSON: for the suite's processes, for machines, for the record."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, Final

from harness.kit.errors import UsageError
from harness.kit.files import write_atomic
from harness.lifecycle.plan import Action, ContainerPlan, Effect, FieldChange, LeftAlone, Plan

_VERSION: Final = 1


def to_dict(plan: Plan) -> dict[str, Any]:
    """The plan as plain values; every entry also says whether deploy would do something."""
    return {
        "version": _VERSION,
        "target": plan.target,
        "monorepo": plan.monorepo,
        "commit": plan.commit,
        "containers": [_entry(entry) for entry in plan.containers],
        "left": [dataclasses.asdict(entry) for entry in plan.left],
    }


def _entry(entry: ContainerPlan) -> dict[str, Any]:
    return {**dataclasses.asdict(entry), "pending": entry.does_something}


def to_json(plan: Plan) -> str:
    """The plan as indented JSON."""
    return json.dumps(to_dict(plan), indent=2)


def from_json(text: str) -> Plan:
    """The plan back. Raises ``UsageError`` for anything else."""
    try:
        found = json.loads(text)
        return Plan(
            target=found["target"],
            monorepo=found["monorepo"],
            commit=found["commit"],
            containers=tuple(_from_entry(entry) for entry in found["containers"]),
            left=tuple(LeftAlone(**entry) for entry in found.get("left", ())),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"this is no plan: {error}") from error


def _from_entry(found: dict[str, Any]) -> ContainerPlan:
    names = {field.name for field in dataclasses.fields(ContainerPlan)}
    values = {name: value for name, value in found.items() if name in names}
    values["action"] = Action(found["action"])
    values["changes"] = tuple(_change(change) for change in found["changes"])
    values["needs"] = tuple(found["needs"])
    return ContainerPlan(**values)


def _change(found: dict[str, Any]) -> FieldChange:
    return FieldChange(found["field"], found["old"], found["new"], Effect(found["effect"]))


def write(path: Path, plan: Plan) -> None:
    """Store the plan at ``path``, private to its owner."""
    write_atomic(path, to_json(plan) + "\n", mode=0o600)


def read(path: Path) -> Plan:
    """The plan stored at ``path``."""
    try:
        return from_json(path.read_text())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
