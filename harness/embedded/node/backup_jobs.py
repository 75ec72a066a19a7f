"""Backup jobs as records: they are kept and listed, and never run."""

from __future__ import annotations

from harness.embedded.node.grammar.formats import split_list
from harness.embedded.node.node import Node
from harness.embedded.node.store import Record


def guests_of(node: Node, job: Record) -> set[int]:
    """The numbers of the containers that a job takes in: its own list, a pool's, or all but those it leaves out."""
    if job.get("pool"):
        return set((node.pools.table.get(str(job["pool"])) or {"guests": ()})["guests"])
    if str(job.get("all", "0")) == "1":
        return {guest.vmid for guest in node.guests.all()} - _numbers(job, "exclude")
    return _numbers(job, "vmid")


def _numbers(job: Record, name: str) -> set[int]:
    return {int(text) for text in split_list(str(job.get(name, ""))) if text.isdigit()}


def forget_guest(node: Node, vmid: int) -> None:
    """Take a container out of every job; a job that has nothing left goes."""
    table = node.store.table("backup-job")
    for name, job in table.items():
        vmids = split_list(str(job.get("vmid", "")))
        left = [text for text in vmids if text != str(vmid)]
        if left == vmids:
            continue
        if left:
            table.change(name, vmid=",".join(left))
        else:
            table.delete(name)
