"""One look at the target: how many calls it takes, and what an empty list is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from harness.inventory.model import Inventory
from harness.lifecycle import stamp
from harness.lifecycle.observe import Observation, observe
from harness.lifecycle.stamp import Stamp
from harness.pve.client import Pve
from harness.pve.errors import PermissionDenied, PveError
from tests import samples

OURS = samples.MONOREPO
ONE = samples.container("c100", vmid=100)


def inventory(*vmids: int) -> Inventory:
    return Inventory(tuple(replace(ONE, name=f"c{vmid}", vmid=vmid) for vmid in vmids))


class Cluster:
    """Guests by VMID: name, node, state, tags, description. ``listed``: what lists show, by default everything."""

    def __init__(self, guests: Mapping[int, Mapping[str, Any]], listed: Sequence[int] | None = None) -> None:
        self.guests = guests
        self.listed = list(guests) if listed is None else list(listed)
        self.forbidden: set[int] = set()
        self.active: list[dict[str, Any]] = []
        self.calls: list[str] = []

    def gather(self, calls: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Any]:
        found: list[Any] = []
        for path, params in calls:
            try:
                found.append(self.get(path, **params))
            except PveError as error:
                found.append(error)
        return found

    def get(self, path: str, **params: Any) -> Any:
        self.calls.append(path)
        parts = path.split("/")
        if path == "cluster/resources":
            nodes = [{"type": "node", "node": node, "status": "online"} for node in ("pve", "pve2")]
            storage = {"type": "storage", "node": "pve", "storage": "local-lvm", "content": "rootdir,images"}
            return [*nodes, storage, *(self._row(vmid) for vmid in self.listed)]
        if path == "cluster/nextid":
            if params["vmid"] in self.guests:
                raise PveError(path, 400, "Parameter verification failed.", {"vmid": f"VM {params['vmid']} exists\n"})
            return str(params["vmid"])
        if parts[-1] == "lxc":
            return [
                {**self._row(vmid), "status": self.guests[vmid].get("live", "running")}
                for vmid in self.listed
                if self.guests[vmid].get("node", "pve") == parts[1] and self.guests[vmid].get("type", "lxc") == "lxc"
            ]
        if parts[-1] == "tasks":
            return self.active
        return self._config(path, int(parts[3]), params)

    def _row(self, vmid: int) -> dict[str, Any]:
        guest = {"type": "lxc", "node": "pve", "name": f"c{vmid}", "status": "unknown", **self.guests[vmid]}
        return {"vmid": vmid, **{key: value for key, value in guest.items() if key not in ("description", "live")}}

    def _config(self, path: str, vmid: int, params: Mapping[str, Any]) -> Any:
        assert params == {"current": 1}
        if vmid in self.forbidden:
            raise PermissionDenied(f"GET {path}", 403, f"Permission check failed (/vms/{vmid}, VM.Audit)")
        if vmid not in self.guests or path.split("/")[1] != self.guests[vmid].get("node", "pve"):
            raise PveError(f"GET {path}", 500, f"Configuration file '{path}.conf' does not exist")
        return {"digest": f"d{vmid}", "description": self.guests[vmid].get("description", "")}


def look(cluster: Cluster, *vmids: int) -> Observation:
    return observe(cast("Pve", cluster), inventory(*vmids))


def test_calls_grow_only_by_one_read_for_each_of_ours() -> None:
    vmids = range(100, 150)
    foreign = {vmid: {} for vmid in range(500, 900)}
    cluster = Cluster({**{vmid: {"tags": "gitops"} for vmid in vmids}, **foreign})
    seen = look(cluster, *vmids)
    assert len(seen.guests) == 450
    assert len(cluster.calls) == 2 + 50
    assert sum(path.endswith("/config") for path in cluster.calls) == 50


def test_the_state_is_the_nodes_own_not_the_clusters_late_one() -> None:
    seen = look(Cluster({100: {"live": "stopped"}}), 100)
    assert seen.guests[100].status == "stopped"
    assert seen.guests[100].digest == "d100"


def test_a_container_of_ours_under_another_id_is_found_by_its_tag() -> None:
    mark = stamp.render(Stamp(OURS, "c100"))
    cluster = Cluster({777: {"tags": "b;gitops", "description": mark, "node": "pve2"}, 778: {}})
    seen = look(cluster, 100)
    assert [guest.vmid for guest, _ in seen.ours(OURS)] == [777]
    assert "nodes/pve/lxc/778/config" not in cluster.calls


def test_an_empty_list_is_not_taken_for_an_empty_cluster() -> None:
    cluster = Cluster({100: {}}, listed=())
    cluster.forbidden = {100}
    seen = look(cluster, 100, 101)
    assert seen.guests == {}
    assert dict(seen.hidden) == {100: "VM 100 exists"}


def test_a_guest_that_no_list_shows_but_may_be_read_is_seen() -> None:
    mark = stamp.render(Stamp(OURS, "c100"))
    seen = look(Cluster({100: {"description": mark}}, listed=()), 100)
    assert not seen.hidden
    assert [guest.vmid for guest, _ in seen.ours(OURS)] == [100]


def test_what_may_not_be_read_says_why() -> None:
    cluster = Cluster({100: {}})
    cluster.forbidden = {100}
    assert look(cluster, 100).guests[100].unreadable == "Permission check failed (/vms/100, VM.Audit)"


def test_a_virtual_machine_is_seen_and_not_read() -> None:
    cluster = Cluster({100: {"type": "qemu", "status": "running"}})
    seen = look(cluster, 100)
    assert (seen.guests[100].kind, seen.guests[100].config) == ("qemu", None)
    assert not any(path.endswith("/config") for path in cluster.calls)


def test_a_container_that_is_being_made_names_the_task() -> None:
    cluster = Cluster({100: {"lock": "create"}, 101: {"lock": "create"}})
    cluster.active = [{"upid": "UPID:pve:1:2:3:vzcreate:100:root@pam:", "id": "100", "starttime": 1}]
    seen = look(cluster, 100, 101)
    assert seen.guests[100].creating == "UPID:pve:1:2:3:vzcreate:100:root@pam:"
    assert seen.guests[101].creating is None


def test_nodes_and_storages_are_seen() -> None:
    seen = look(Cluster({}), 100)
    assert seen.nodes == {"pve": "online", "pve2": "online"}
    assert seen.storages == {("pve", "local-lvm"): frozenset({"rootdir", "images"})}
