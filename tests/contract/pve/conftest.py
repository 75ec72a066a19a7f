"""The node that the contract is checked against: an embedded one without containers, or a real one.

A real one is used when ``PVE_URL`` and ``PVE_PASSWORD`` (of root@pam) are set; ``hosts.py`` lists what may be said
of it. It must allow that this suite makes and destroys containers of its range, the user contract@pve and tokens of
root@pam whose names begin with ``contract``.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Interface
from typing import Any
from urllib.parse import quote

import pytest
import requests
from requests.adapters import HTTPAdapter

from harness.embedded.node import fixture
from harness.embedded.node.runtime import Bridge
from harness.kit.clock import Deadline, wait_until
from tests.contract.pve import hosts

USER, USER_PASSWORD = "contract@pve", "ContractPass1"
TASK_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    reason: str
    body: Any
    content_type: str | None

    @property
    def data(self) -> Any:
        return self.body["data"]


@dataclass
class Target:
    """A node, the names of what may be used on it, and a session for each caller."""

    url: str
    password: str
    verify: str | bool
    real: bool = False
    node: str = "pve"
    storage: str = "local"
    snapshot_storage: str = "local-lvm"
    template: str = "local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst"
    vmid: int = 100
    missing: int = 999
    session: requests.Session = field(default_factory=requests.Session)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def lxc(self) -> str:
        return f"/nodes/{self.node}/lxc"

    def raw(self, caller: str, method: str, path: str, params: dict[str, Any] | None = None) -> Answer:
        """One request; ``path`` begins with ``/api2``."""
        where = "params" if method in ("GET", "DELETE") else "data"
        url = self.url + path
        got = self.session.request(
            method, url, headers=self.headers[caller], verify=self.verify, timeout=60, **{where: params or {}}
        )
        body = got.json() if got.content and "json" in got.headers.get("Content-Type", "") else got.text or None
        return Answer(got.status_code, got.reason, body, got.headers.get("Content-Type"))

    def call(self, method: str, path: str, caller: str = "root", /, **params: Any) -> Answer:
        """A request below ``/api2/json``; underscores in parameter names stand for dashes."""
        named = {name.replace("_", "-"): value for name, value in params.items()}
        return self.raw(caller, method, f"/api2/json{path}", named)

    def wait(self, upid: str) -> str:
        """The exit status of a task."""
        path = f"/nodes/{self.node}/tasks/{quote(upid, safe='')}/status"

        def exit_status() -> str | None:
            status = self.call("GET", path).data
            return str(status["exitstatus"]) if status["status"] == "stopped" else None

        longest = 0.5 if self.real else 0.02
        return wait_until(exit_status, Deadline(TASK_SECONDS), f"the end of {upid}", longest_pause=longest)

    def work(self, method: str, path: str, /, **params: Any) -> str:
        """Make a call that starts a task; the task's exit status."""
        answer = self.call(method, path, **params)
        assert answer.status == 200, answer
        return self.wait(answer.data)

    def create(self, vmid: int, **params: Any) -> None:
        settings = {"ostemplate": self.template, "hostname": f"ct{vmid}", "features": "nesting=1", **params}
        settings.setdefault("rootfs", f"{self.storage}:1")
        assert self.work("POST", self.lxc, vmid=vmid, **settings) == "OK"

    def remove(self, vmid: int) -> None:
        path = f"{self.lxc}/{vmid}"
        if self.call("GET", f"{path}/config").status == 200:
            self.work("DELETE", path, force=1, purge=1)


def _login(target: Target, user: str, password: str) -> dict[str, str]:
    form = {"username": user, "password": password}
    data = target.raw("nobody", "POST", "/api2/json/access/ticket", form).data
    cookie = f"PVEAuthCookie={quote(data['ticket'], safe='')}"
    return {"Cookie": cookie, "CSRFPreventionToken": data["CSRFPreventionToken"]}


def _callers(target: Target) -> None:
    """Sign in root@pam; make the user and three tokens with what they may."""
    target.headers["nobody"] = {}
    target.headers["root"] = root = _login(target, "root@pam", target.password)
    target.headers["root-without-csrf"] = {"Cookie": root["Cookie"]}
    _remove_callers(target)
    target.call("POST", "/access/users", userid=USER, password=USER_PASSWORD)
    target.headers["user"] = _login(target, USER, USER_PASSWORD)
    for name, separate in (("full", 0), ("separate", 1), ("nothing", 1)):
        path = f"/access/users/root@pam/token/contract-{name}"
        secret = target.call("POST", path, privsep=separate).data["value"]
        token = f"PVEAPIToken=root@pam!contract-{name}={secret}"
        target.headers[f"token-{name}"] = {"Authorization": token}
    for role, path in (
        ("PVEVMAdmin", "/vms"),
        ("PVEDatastoreAdmin", f"/storage/{target.storage}"),
        ("PVESDNUser", "/sdn/zones/localnetwork"),
    ):
        target.call("PUT", "/access/acl", path=path, roles=role, tokens="root@pam!contract-separate")


def _remove_callers(target: Target) -> None:
    target.call("DELETE", f"/access/users/{USER}")
    for name in ("full", "separate", "nothing"):
        target.call("DELETE", f"/access/users/root@pam/token/contract-{name}")


def _clear(target: Target) -> None:
    for vmid in range(target.vmid, target.vmid + 10):
        target.remove(vmid)


class _Pinned(HTTPAdapter):
    """Trusts what a context trusts, whatever name the certificate is for."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *places: Any, **settings: Any) -> Any:
        return super().init_poolmanager(*places, **settings, ssl_context=self._context, assert_hostname=False)


def real_target() -> Target | None:
    """The real node that the environment names, if any."""
    host = hosts.from_environment(os.environ)
    if host is None:
        return None
    session = requests.Session()
    session.trust_env = False
    if host.fingerprint:
        session.mount("https://", _Pinned(host.context))
    return Target(
        host.url,
        host.password,
        host.authority or True,
        real=True,
        node=host.node,
        storage=host.storage,
        snapshot_storage=host.snapshots,
        template=host.template,
        vmid=host.vmids.start,
        missing=999_999,
        session=session,
    )


@pytest.fixture(scope="session")
def target() -> Iterator[Target]:
    """The node, with its callers; whatever the suite made is gone afterwards."""
    found = real_target()
    if found is not None:
        _callers(found)
        _clear(found)
        yield found
        _clear(found)
        _remove_callers(found)
        return
    bridges = (Bridge("vmbr0", IPv4Interface("192.0.2.10/24")),)
    with fixture.serve(options=replace(fixture.QUICK, bridges=bridges)) as node:
        # The pinned certificate names 127.0.0.1, so that it is verified like any other.
        embedded = Target(node.url, node.password.reveal(), str(node.certificate))
        _callers(embedded)
        yield embedded
        embedded.session.close()


@pytest.fixture
def embedded_only(target: Target) -> None:
    """For what a real node cannot be asked to do."""
    if target.real:
        pytest.skip("only on an embedded node")


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """Waits until something is true."""

    def wait(probe: Callable[[], object]) -> None:
        wait_until(probe, Deadline(10), "it comes true", longest_pause=0.02)

    return wait
