"""Directory listings, and lists that are always empty here."""

from __future__ import annotations

from typing import Any

from harness.embedded.node.routing import Call, Handler, route

_ROOT = ("version", "cluster", "nodes", "storage", "access", "pools")
_CLUSTER = (
    *("acme", "backup", "backup-info", "bulk-action", "ceph", "config", "firewall", "ha", "jobs", "log", "mapping"),
    *("metrics", "notifications", "nextid", "options", "qemu", "replication", "resources", "status", "tasks", "sdn"),
)
_NODE = (
    *("aplinfo", "apt", "capabilities", "ceph", "certificates", "config", "disks", "dns", "firewall", "hardware"),
    *("hosts", "journal", "lxc", "migrateall", "netstat", "network", "qemu", "query-oci-repo-tags"),
    *("query-url-metadata", "replication", "report", "rrd", "rrddata", "scan", "sdn", "services", "spiceshell"),
    *("startall", "status", "stopall", "storage", "subscription", "suspendall", "syslog", "tasks", "termproxy"),
    *("time", "version", "vncshell", "vzdump", "wakeonlan"),
)
_ACCESS = ("users", "groups", "roles", "acl", "domains", "openid", "tfa", "ticket", "password", "permissions")
_HA = ("status", "resources", "groups", "rules")
_ZONES = [{"zone": "localnetwork", "status": "available"}]
_EMPTY = (
    *("/cluster/config/nodes", "/cluster/replication", "/cluster/sdn/vnets", "/cluster/sdn/zones"),
    *(f"/cluster/firewall/{name}" for name in ("groups", "aliases", "ipset", "rules", "refs", "macros")),
    "/access/tfa",
    *("/cluster/backup-info/not-backed-up", "/nodes/{node}/disks/list"),
)


def _listing(path: str, key: str, names: tuple[str, ...]) -> None:
    def answer(call: Call) -> list[dict[str, str]]:  # noqa: ARG001 - a handler's signature
        return [{key: name} for name in names]

    _register(path, answer)


def _register(path: str, answer: Handler) -> None:
    route("GET", path)(answer)


def _nothing(call: Call) -> list[Any]:  # noqa: ARG001 - a handler's signature
    return []


_listing("/", "subdir", _ROOT)
_listing("/cluster", "name", _CLUSTER)
_listing("/nodes/{node}", "name", _NODE)
_listing("/access", "subdir", _ACCESS)
_listing("/cluster/ha", "id", _HA)
_listing("/cluster/ha/status", "name", ("current", "manager_status"))
_listing("/cluster/jobs", "subdir", ("schedule-analyze", "realm-sync"))
_listing("/cluster/config", "name", ("nodes", "totem", "join", "qdevice", "apiversion"))
_listing("/nodes/{node}/capabilities", "name", ("qemu",))
for _path in _EMPTY:
    _register(_path, _nothing)
_register(
    "/nodes/{node}/sdn/zones",
    lambda call: [zone for zone in _ZONES if call.may_any("/sdn/zones/localnetwork", "SDN.Audit", "SDN.Use")],
)
