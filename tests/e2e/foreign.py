"""A container that somebody else made on the same node, through the same API."""

from __future__ import annotations

import json
from typing import Any

import requests

from tests.e2e.world import World, wait_until


class Api:
    """The node's API as a stranger with the root password uses it: a client that shares no code with the harness."""

    def __init__(self, world: World) -> None:
        state = world.root / "local/share/embedded/node"
        self.base = f"https://127.0.0.1:{world.port}/api2/json"
        self.session = requests.Session()
        self.session.trust_env = False  # a CA bundle in the environment would replace the node's own certificate
        self.session.verify = str(state / "certificate.pem")
        answer = self.session.post(f"{self.base}/access/ticket", data=self._login(world), timeout=10)
        answer.raise_for_status()
        data = answer.json()["data"]
        self.session.cookies.set("PVEAuthCookie", data["ticket"])
        self.session.headers["CSRFPreventionToken"] = data["CSRFPreventionToken"]

    def _login(self, world: World) -> dict[str, str]:
        from harness.embedded import launch

        access = launch.find(world.root / "local/share/embedded/node")
        assert access is not None
        return {"username": access.user, "password": access.password.reveal()}

    def post(self, path: str, **values: Any) -> Any:
        """``data`` of the answer."""
        answer = self.session.post(f"{self.base}{path}", data=values, timeout=30)
        assert answer.ok, f"{answer.status_code} {answer.reason} {answer.text}"
        return answer.json()["data"]

    def delete(self, path: str) -> Any:
        """``data`` of the answer."""
        answer = self.session.delete(f"{self.base}{path}", timeout=30)
        assert answer.ok, f"{answer.status_code} {answer.reason} {answer.text}"
        return answer.json()["data"]

    def put_status(self, vmid: int, action: str) -> Any:
        """Start, stop or shut down; the task's id."""
        return self.post(f"/nodes/pve/lxc/{vmid}/status/{action}")

    def template(self) -> str:
        """A Debian 13 template on the node, fetched when there is none."""
        offered = [entry["template"] for entry in self.get("/nodes/pve/aplinfo")]
        name = next(name for name in offered if name.startswith("debian-13-standard"))
        volume = f"local:vztmpl/{name}"
        if volume not in [entry["volid"] for entry in self.get("/nodes/pve/storage/local/content")]:
            self.wait(self.post("/nodes/pve/aplinfo", storage="local", template=name))
        return volume

    def get(self, path: str) -> Any:
        """``data`` of the answer."""
        answer = self.session.get(f"{self.base}{path}", timeout=30)
        assert answer.ok, f"{answer.status_code} {answer.reason} {answer.text}"
        return answer.json()["data"]

    def wait(self, upid: str) -> None:
        """Until the task has ended well."""
        path = f"/nodes/pve/tasks/{upid}/status"
        status = wait_until(lambda: (s := self.get(path))["status"] == "stopped" and s, 120, upid)
        assert status["exitstatus"].startswith(("OK", "WARNINGS")), json.dumps(status)


def create_foreign(world: World, vmid: int, hostname: str) -> None:
    """A stopped container without our stamp."""
    api = Api(world)
    values = {"hostname": hostname, "ostemplate": api.template(), "storage": "local-lvm", "memory": 128}
    api.wait(api.post("/nodes/pve/lxc", vmid=vmid, **values))
