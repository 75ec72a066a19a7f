"""Plans, problems and results as people read them in a pull request. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from harness.kit.errors import ConfigurationError, HarnessError, Problem
from harness.lifecycle.plan import Action, ContainerPlan, Effect, FieldChange, LeftAlone, Plan
from harness.lifecycle.plan_view import summary
from harness.lifecycle.report.story import ContainerStory, Item, RunStory, Verdict
from harness.pipeline.agreement import level
from harness.pipeline.markdown import block, code, table, text
from harness.repo.parts import STAGE_FILE

_ENTAILS: Final = {Effect.HOT: "none", Effect.RESTART: "restart", Effect.REPLACE: "**replace**"}
_QUIET: Final = frozenset({Action.UNCHANGED})
_DOES: Final = {
    Action.REPLACE: "**replaces**",
    Action.CREATE: "creates",
    Action.RESTART: "changes and restarts",
    Action.CHANGE: "changes without a restart",
    Action.CONVERGE: "configures",
    Action.VERIFY: "verifies",
}
"""What a plan does, the gravest first."""
_SHOWN_SPECS: Final = 5
NO_STAGE: Final = f"needs a {STAGE_FILE} with an ID and an IP of its own"
_STATUS_LENGTH: Final = 250


def plan(made: Plan, head: str) -> str:
    """The plan: one line for all containers, a table for each that something happens to."""
    busy = [entry for entry in made.containers if entry.action not in _QUIET]
    quiet = [entry.name for entry in made.containers if entry.action in _QUIET]
    parts = [f"### Plan for {code(head[:12])}", _lead(made)]
    if busy:
        parts.append(_overview(busy))
    parts += [_container(entry) for entry in busy if entry.changes]
    if quiet:
        parts.append(f"Nothing happens to: {', '.join(map(code, quiet))}.")
    parts += [_left(entry) for entry in made.left]
    return "\n\n".join(parts)


def _left(entry: LeftAlone) -> str:
    hint = f" {text(entry.hint)}" if entry.hint else ""
    return f"{code(entry.name)} ({entry.vmid}, {text(entry.status)}) is {text(entry.reason)}.{hint}"


def _lead(made: Plan) -> str:
    """What it comes to, as a sentence."""
    named = ((word, _named(made.pending, action)) for action, word in _DOES.items())
    told = [f"{word} {names}" for word, names in named if names]
    refused = _named(made.refused, Action.REFUSED)
    sentence = f"On {text(made.target)} this {'; '.join(told)}." if told else f"On {text(made.target)} nothing changes."
    return f"{sentence} **Refused**, and left alone: {refused}." if refused else sentence


def _named(entries: Iterable[ContainerPlan], action: Action) -> str:
    return _enumerated([code(entry.name) for entry in entries if entry.action is action])


def _enumerated(parts: list[str]) -> str:
    return " and ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part)


def _overview(entries: Iterable[ContainerPlan]) -> str:
    rows = [
        (
            code(entry.name),
            _what(entry),
            _entails(entry),
            _why(entry),
            code(entry.address.partition("/")[0]),
            str(entry.vmid),
        )
        for entry in entries
    ]
    return table(("container", "what happens", "entails", "why", "address", "id"), rows)


def _what(entry: ContainerPlan) -> str:
    loud = entry.action in (Action.REPLACE, Action.REFUSED)
    return f"**{entry.action.value}**" if loud else entry.action.value


def _entails(entry: ContainerPlan) -> str:
    word = level(entry).word
    return f"**{word}**" if entry.action is Action.REPLACE else word


def _why(entry: ContainerPlan) -> str:
    elsewhere = "" if entry.deployed_here else " (not deployed from here)"
    hint = f" → {entry.hint}" if entry.hint and entry.action is Action.REFUSED else ""
    return text(f"{entry.reason}{hint}{elsewhere}")


def _container(entry: ContainerPlan) -> str:
    rows = [_change(change) for change in entry.changes]
    return f"**{text(entry.name)}**\n\n" + table(("field", "now", "then", "entails"), rows)


def _change(change: FieldChange) -> tuple[str, ...]:
    old, new = (code(value) if value is not None else "none" for value in (change.old, change.new))
    return code(change.field), old, new, _ENTAILS[change.effect]


def no_stage(name: str) -> str:
    """A stage that nobody has described yet, and how that is done."""
    return (
        f"### No plan yet\n\nThis fork becomes the container {code(f'stage-{name}')} once its `main` has a"
        f" `{STAGE_FILE}` with an `ID` and an `IP` of its own, which no other container has:\n\n"
        f"{block('ID=<a free number>' + chr(10) + 'IP=<a free address>/<prefix>')}\n\nUntil then there is nothing to"
        " accept: a release without it is refused."
    )


def problem(error: HarnessError, head: str, root: Path) -> str:
    """Why there is no plan: every problem with its file and line, or the error's one line."""
    heading = f"### No plan for {code(head[:12])}"
    if isinstance(error, ConfigurationError):
        rows = [_problem(entry, root) for entry in error.problems]
        told = table(("where", "found", "rule", "hint"), rows)
        return f"{heading}\n\nThe configuration that is proposed has problems; nothing would be changed.\n\n{told}"
    hint = f"\n\n{text(error.hint)}" if error.hint else ""
    return f"{heading}\n\n{text(error.message)}{hint}"


def _problem(entry: Problem, root: Path) -> tuple[str, ...]:
    return code(place(entry, root)), code(entry.found), text(entry.rule), text(entry.hint)


def place(entry: Problem, root: Path) -> str:
    """``file:line`` as it is called in the repository."""
    return entry.place.removeprefix(f"{root}/")


def status_of(error: HarnessError, root: Path) -> str:
    """The same in the one line of a commit status."""
    if isinstance(error, ConfigurationError) and error.problems:
        first, more = error.problems[0], len(error.problems) - 1
        where = place(first, root)
        others = f" (and {more} more)" if more else ""
        return _short(f"{where + ': ' if where else ''}{first.found}: {first.rule}{others}")
    return _short(error.message)


def status_of_plan(made: Plan) -> str:
    """What the plan comes to, in one line."""
    told = summary(made).partition(": ")[2]
    refused = ", ".join(entry.name for entry in made.refused)
    return _short(f"{told}; refused: {refused}" if refused else told)


def _short(line: str) -> str:
    return line if len(line) <= _STATUS_LENGTH else f"{line[: _STATUS_LENGTH - 1]}…"


def waiting(made: Plan, more: Iterable[ContainerPlan], digest: str, sha: str) -> str:
    """A plan that went stale and does more than was agreed to, and how to have it carried out all the same."""
    names = ", ".join(f"{code(entry.name)} ({level(entry).word})" for entry in more)
    how = f"To have it so, start the workflow *Release* by hand on `release` with `confirm` = {code(digest)}."
    return (
        f"### Waiting: the plan has changed since it was accepted\n\n"
        f"It now does more than what was posted: {names}. Nothing was changed. {how}\n\n{plan(made, sha)}"
    )


def planned_again(made: Plan, sha: str) -> str:
    """A plan that went stale and does no more than was agreed to: it is carried out as it is now."""
    return f"The plan has changed since it was accepted; it restarts and replaces no more.\n\n{plan(made, sha)}"


def result(told: RunStory, sha: str, report: str) -> str:
    """What came of a deploy: a table, failed specs quoted, the way to the report."""
    heading = f"### Deployed {code(sha[:12])}: {told.verdict.value}"
    rows = [_outcome(story) for story in told.containers if story.items or story.plan.action is Action.REFUSED]
    parts = [heading, table(("container", "planned", "result", "specs", "took"), rows)] if rows else [heading]
    parts += [_trouble(story) for story in told.containers if story.trouble]
    parts.append(f"[Report]({report}) of run {code(told.run)}." if report else f"Run {code(told.run)}.")
    return "\n\n".join(parts)


def _outcome(story: ContainerStory) -> tuple[str, ...]:
    verdict = story.verdict
    shown = (
        f"**{verdict.value}**" if verdict in (Verdict.FAILED, Verdict.REFUSED, Verdict.UNFINISHED) else verdict.value
    )
    specs = f"{story.passed_specs} of {len(story.specs)}" if story.specs else ""
    return code(story.plan.name), story.plan.action.value, shown, specs, f"{story.seconds:.0f} s"


def _trouble(story: ContainerStory) -> str:
    failed = [item for item in story.items if item.verdict in (Verdict.FAILED, Verdict.UNFINISHED)]
    shown = failed[:_SHOWN_SPECS] or [item for item in (story.trouble,) if item]
    more = f"\n\n… and {len(failed) - len(shown)} more." if len(failed) > len(shown) else ""
    return "\n\n".join(_quote(story.plan.name, item) for item in shown) + more


def _quote(container: str, item: Item) -> str:
    hint = f"\n\n{text(item.hint)}" if item.hint else ""
    said = "\n".join(part for part in (item.log, item.error) if part) or item.verdict.value
    return f"**{text(container)}**: {code(item.name)} {item.verdict.value}\n\n{block(said)}{hint}"


def status_of_result(told: RunStory) -> str:
    """What came of it, in one line."""
    bad = [story.plan.name for story in told.containers if story.verdict in (Verdict.FAILED, Verdict.UNFINISHED)]
    if bad:
        return _short(f"failed: {', '.join(bad)}")
    specs = sum(story.passed_specs for story in told.containers)
    names = ", ".join(story.plan.name for story in told.told)
    return _short(f"{names}: {told.verdict.value}, {specs} specs passed")
