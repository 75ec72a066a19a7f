"""What two containers may not share: VMID, hostname, address."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from harness.inventory.draft import Draft
from harness.inventory.fields import LEAST_ID, MOST_ID


def check(drafts: Sequence[Draft]) -> None:
    """Report every value that an earlier draft has already, with the places of both."""
    used = {draft.parsed["ID"] for draft in drafts if "ID" in draft.parsed}
    _propose_ids(drafts, used)
    _each_once(drafts, "ID", lambda value: value, lambda draft: f"ID={take_free_id(draft.parsed['ID'], used)} is free")
    _each_once(drafts, "HOSTNAME", str.casefold, lambda _: "rename one of the two")
    _each_once(drafts, "IP", lambda value: value[0], lambda _: "give one of the two another address")


def take_free_id(wanted: int, used: set[int]) -> int:
    """The first unused VMID from ``wanted`` upwards, below it when there is none; noted as used."""
    for start in (min(max(wanted, LEAST_ID), MOST_ID), LEAST_ID):
        for candidate in range(start, min(start + len(used) + 1, MOST_ID + 1)):
            if candidate not in used:
                used.add(candidate)
                return candidate
    raise AssertionError("more containers than there are VMIDs")


def _propose_ids(drafts: Iterable[Draft], used: set[int]) -> None:
    """Give every refused or missing ID a hint with a free one; ``ID=42`` becomes ``ID=142`` where that is free."""
    for draft in drafts:
        if "ID" not in draft.parsed:
            text = draft.texts["ID"].text if "ID" in draft.texts else ""
            wanted = LEAST_ID + int(text) if text.isdecimal() and len(text) <= 2 else LEAST_ID
            draft.hint("ID", f"ID={take_free_id(wanted, used)} is free")


def _each_once(drafts: Iterable[Draft], key: str, same: Callable[[Any], Any], hint: Callable[[Draft], str]) -> None:
    first: dict[Any, Draft] = {}
    for draft in drafts:
        if key not in draft.parsed:
            continue
        earlier = first.setdefault(same(draft.parsed[key]), draft)
        if earlier is not draft:
            draft.report(key, f"{earlier.place(key)} ({earlier.label}) has it already", hint(draft))
