"""The order that NEEDS asks for."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

from harness.config import suggest
from harness.inventory.draft import Draft
from harness.inventory.model import CONTROL_PLANE


def order(drafts: Sequence[Draft], libraries: Sequence[str]) -> list[Draft]:
    """The drafts, each after those it needs, else the control plane first and then by name.

    ``libraries`` are all names that NEEDS may hold; a need outside ``drafts`` (a stage has not every container) asks
    for nothing. Reports names that do not exist and cycles; what is in a cycle is missing from the result.
    """
    by_name = {draft.name: draft for draft in drafts}
    for draft in drafts:
        _check_names(draft, libraries)
    needs = {name: [need for need in needed(draft) if need in by_name] for name, draft in by_name.items()}
    ordered = _sorted(needs)
    left = {name: needs[name] for name in needs if name not in set(ordered)}
    for cycle in _cycles(left):
        by_name[cycle[0]].report("NEEDS", f"a circle: {' → '.join(cycle)}", "one of them has to come first")
    return [by_name[name] for name in ordered]


def needed(draft: Draft) -> tuple[str, ...]:
    """The names that a draft needs, as far as they could be read."""
    found: tuple[str, ...] = draft.parsed.get("NEEDS", ())
    return found


def _check_names(draft: Draft, libraries: Sequence[str]) -> None:
    for need in needed(draft):
        if need == CONTROL_PLANE:
            draft.report("NEEDS", "config is the control plane, which no container waits for", "leave it out")
        elif need not in libraries:
            hint = suggest.did_you_mean(need, libraries, f"there is no libs/{need}/config.env")
            draft.report("NEEDS", f"{need} is no library", hint)


def _sorted(needs: Mapping[str, Sequence[str]]) -> list[str]:
    """Kahn's algorithm, smallest name first; names in or behind a cycle are left out."""
    waiting = {name: len(names) for name, names in needs.items()}
    dependants: dict[str, list[str]] = {name: [] for name in needs}
    for name, names in needs.items():
        for need in names:
            dependants[need].append(name)
    ready = [(name != CONTROL_PLANE, name) for name, count in waiting.items() if count == 0]
    heapq.heapify(ready)
    ordered: list[str] = []
    while ready:
        _, name = heapq.heappop(ready)
        ordered.append(name)
        for dependant in dependants[name]:
            waiting[dependant] -= 1
            if waiting[dependant] == 0:
                heapq.heappush(ready, (dependant != CONTROL_PLANE, dependant))
    return ordered


def _cycles(needs: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """One closed path for each cycle found by following the first open need of every name that is left."""
    cycles: list[list[str]] = []
    seen: set[str] = set()
    for start in sorted(needs):
        path: list[str] = []
        name = start
        while name not in seen:
            seen.add(name)
            path.append(name)
            name = next(need for need in needs[name] if need in needs)
        if name in path:
            cycles.append([*path[path.index(name) :], name])
    return cycles
