"""One job for each container at a time, whatever repository it was started from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

from harness.config.share import Share
from harness.kit.files import exclusive, private_directory


@contextmanager
def held(share: Share, vmids: Iterable[int]) -> Iterator[None]:
    """Hold the locks of these containers; others wait. Always in one order, so that no two wait for each other."""
    folder = private_directory(share.path / "locks")
    with ExitStack() as stack:
        for vmid in sorted(set(vmids)):
            stack.enter_context(exclusive(folder / f"{vmid}.lock"))
        yield
