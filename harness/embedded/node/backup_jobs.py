"""Backup jobs as records: they are kept and listed, and never run."""

from __future__ import annotations

from harness.embedded.node.grammar.formats import split_list
from harness.embedded.node.node import Node


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
