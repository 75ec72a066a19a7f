"""The plan as people read it."""

from __future__ import annotations

from typing import Final

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.lifecycle.plan import Action, ContainerPlan, Effect, FieldChange, Plan

_STYLE: Final = {
    Action.UNCHANGED: "dim",
    Action.VERIFY: "cyan",
    Action.CONVERGE: "cyan",
    Action.CHANGE: "yellow",
    Action.RESTART: "yellow",
    Action.REPLACE: "bold red",
    Action.CREATE: "green",
    Action.REFUSED: "bold red",
}
_SIGN: Final = {
    Action.UNCHANGED: "=",
    Action.VERIFY: "✓",
    Action.CONVERGE: "~",
    Action.CHANGE: "~",
    Action.RESTART: "~",
    Action.REPLACE: "±",
    Action.CREATE: "+",
    Action.REFUSED: "!",
}
_EFFECT: Final = {Effect.HOT: "hot", Effect.RESTART: "needs restart", Effect.REPLACE: "needs replacing"}


def show(plan: Plan, console: Console) -> None:
    """Print the plan."""
    console.print(render(plan))


def render(plan: Plan) -> RenderableType:
    """A table with a row for each container, its fields and hint below it, and a line that sums up."""
    table = Table(box=None, pad_edge=False, show_header=True, header_style="bold")
    for heading in ("", "container", "id", "address", "action", "why"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("container", "id", "address"))
    for entry in plan.containers:
        _add(table, entry)
    return Group(table, Text(summary(plan), style="bold"))


def _add(table: Table, entry: ContainerPlan) -> None:
    style = _STYLE[entry.action]
    why = Text(entry.reason)
    for change in entry.changes:
        why.append(f"\n{change_line(change)}", style=style)
    if entry.hint:
        why.append(f"\n→ {entry.hint}", style="italic")
    if not entry.deployed_here and entry.action is not Action.UNCHANGED:
        why.append("\nthe control plane's own container: planned here, not deployed from here", style="dim")
    sign = Text(_SIGN[entry.action], style=style)
    action = Text(entry.action.value, style=style)
    table.add_row(sign, entry.name, str(entry.vmid), entry.address.partition("/")[0], action, why)


def change_line(change: FieldChange) -> str:
    """``memory: 512 → 1024 (hot)``."""
    old, new = (value if value is not None else "none" for value in (change.old, change.new))
    return f"{change.field}: {old} → {new} ({_EFFECT[change.effect]})"


def summary(plan: Plan) -> str:
    """One line: how many of what."""
    counts = dict.fromkeys(reversed(Action), 0)
    for entry in plan.containers:
        counts[entry.action] += 1 if entry.deployed_here or entry.action is Action.UNCHANGED else 0
    told = ", ".join(f"{count} {action.value}" for action, count in counts.items() if count)
    commit = f" at commit {plan.commit}" if plan.commit else ""
    return f"{plan.target}{commit}: {told or 'no containers'}"
