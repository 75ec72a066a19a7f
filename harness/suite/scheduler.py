"""The pytest-xdist side of ``turns``: one group a container, in NEEDS order, waiting workers woken when a group ends.

xdist's own ``--dist loadgroup`` stops grouping under pytest 9 (pytest-xdist issue 1386), and none of its schedulers
knows an order between groups.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

from harness.suite import names
from harness.suite.turns import Group, Turns

CrashHandler = Callable[[str, str], None]
"""Called with worker and node id of the item it died in, before anything of its group is given out again."""


class ContainerScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Hands whole containers to workers; ``needs`` by container name."""

    def __init__(
        self, config: pytest.Config, log: Any, needs: Mapping[str, Sequence[str]], on_crash: CrashHandler
    ) -> None:
        super().__init__(config, log)
        self._needs = needs
        self._on_crash = on_crash
        self._turns: Turns | None = None

    @property
    def tests_finished(self) -> bool:
        """Nothing is left to hand out, and no worker has more than the one item it starts when told to stop."""
        if not self.collection_is_completed or self._turns is None or self._turns.waiting:
            return False
        return all(self._turns.pending_of(worker) < 2 for worker in self._turns.workers)

    @property
    def has_pending(self) -> bool:
        """Whether items are waiting or running."""
        turns = self._turns
        return turns is not None and bool(turns.waiting or any(turns.pending_of(worker) for worker in turns.workers))

    def remove_node(self, node: Any) -> str | None:
        """Take ``node`` out; returns the item it crashed in, which is not run again."""
        self.assigned_work.pop(node)
        if self._turns is None or node.gateway.id not in self._turns.workers:
            return None
        crashed = self._turns.leave(node.gateway.id)
        if crashed:
            self._on_crash(node.gateway.id, crashed)
        self._hand_out()
        return crashed

    def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:  # noqa: ARG002
        """``node`` finished an item; whoever waited for its group gets work."""
        assert self._turns is not None
        self._turns.done(node.gateway.id, self.registered_collections[node][item_index])
        self._hand_out()

    def schedule(self) -> None:
        """Hand out what is ready; called once all workers have collected, and when a replacement has."""
        if self._turns is None:
            if not self._check_nodes_have_same_collection():
                return
            self.collection = list(next(iter(self.registered_collections.values())))
            self._turns = Turns(self._groups(self.collection), self._needs)
            self._dismiss_extra(self._turns.waiting)
        self._hand_out()

    def _groups(self, collection: Sequence[str]) -> list[Group]:
        groups: dict[str, Group] = {}
        for nodeid in collection:
            name = self._split_scope(nodeid)
            group = groups.setdefault(name, Group(name, []))
            group.pending.append(nodeid)
            group.closing = names.container_of(nodeid) is not None and names.item_of(nodeid) == names.Stage.END
        return list(groups.values())

    def _split_scope(self, nodeid: str) -> str:
        return names.container_of(nodeid) or str(super()._split_scope(nodeid))

    def _dismiss_extra(self, wanted: int) -> None:
        for node in self.nodes[max(wanted, 1) :]:
            self.assigned_work.pop(node)
            node.shutdown()

    def _hand_out(self) -> None:
        assert self._turns is not None
        for node in self.nodes:
            if node.shutting_down or node not in self.registered_collections:
                continue
            self._turns.join(node.gateway.id)
            while group := self._turns.take(node.gateway.id):
                collected = self.registered_collections[node]
                node.send_runtest_some([collected.index(nodeid) for nodeid in group.pending])
