"""The plan as people read it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.text import Text

from harness.lifecycle.plan import Action, ContainerPlan, Effect, FieldChange, LeftAlone, Plan

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
    """A line for each container, below it why and its fields, and a last line that sums up."""
    widths = [
        max((len(cell) for cell in column), default=0) for column in zip(*map(_cells, plan.containers), strict=True)
    ]
    entries = [line for entry in plan.containers for line in _lines(entry, widths)]
    return Group(*entries, *(line for left in plan.left for line in _left_lines(left)), summary_line(plan))


def _cells(entry: ContainerPlan) -> tuple[str, ...]:
    return entry.name, str(entry.vmid), entry.address.partition("/")[0]


def _lines(entry: ContainerPlan, widths: Sequence[int]) -> Iterable[Text]:
    style = _STYLE[entry.action]
    cells = "  ".join(cell.ljust(width) for cell, width in zip(_cells(entry), widths, strict=True))
    head = Text.assemble((_SIGN[entry.action], style), f" {cells}  ", (entry.action.value, style))
    if entry.action is Action.UNCHANGED:
        yield head.append(f", {entry.reason}", style="dim")
        return
    yield head
    yield _below(entry.reason)
    for change in entry.changes:
        yield _below(change_line(change), style)
    if entry.hint:
        yield _below(f"→ {entry.hint}", "italic")
    if not entry.deployed_here:
        yield _below("the control plane's own container: planned here, not deployed from here", "dim")


def _left_lines(left: LeftAlone) -> Iterable[Text]:
    yield Text(f"· {left.name}  {left.vmid}  {left.status}, {left.reason}", style="dim")
    if left.hint:
        yield _below(f"→ {left.hint}", "italic")


def _below(text: str, style: str = "") -> Text:
    return Text(f"    {text}", style=style)


def summary_line(plan: Plan) -> Text:
    """The last line."""
    return Text(summary(plan), style="bold")


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
