"""Clients of others do to a node what their documentation shows: proxmoxer, curl, and a browser's own way in."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from proxmoxer import AuthenticationError, ProxmoxAPI, ResourceException
from proxmoxer.tools import Tasks

from harness.embedded.node import fixture

TEMPLATE = "local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst"


@pytest.fixture(scope="module")
def served() -> Iterator[fixture.Served]:
    with fixture.serve(password="Passw0rd!") as found:
        yield found


def proxmoxer(served: fixture.Served, **how: str) -> ProxmoxAPI:
    return ProxmoxAPI(served.host, port=served.port, verify_ssl=str(served.certificate), timeout=30, **how)


def ended(pve: ProxmoxAPI, upid: str) -> str:
    return str(Tasks.blocking_status(pve, upid, timeout=30, polling_interval=0.02)["exitstatus"])


def test_proxmoxer_takes_a_container_through_its_life(served: fixture.Served) -> None:
    pve = proxmoxer(served, user="root@pam", password="Passw0rd!")
    lxc = pve.nodes("pve").lxc
    made = {"vmid": 130, "ostemplate": TEMPLATE, "rootfs": "local-lvm:2", "hostname": "probe", "memory": 256}
    assert ended(pve, lxc.post(**made, net0="name=eth0,bridge=vmbr0,ip=dhcp", features="nesting=1")) == "OK"
    assert ended(pve, lxc(130).status.start.post()) == "OK"
    assert lxc(130).status.current.get()["status"] == "running"
    assert ended(pve, lxc(130).snapshot.post(snapname="before", description="first")) == "OK"
    lxc(130).config.put(memory=512, tags="web;prod")
    assert ended(pve, lxc(130).snapshot("before").rollback.post()) == "OK"
    assert lxc(130).config.get()["memory"] == 256
    assert ended(pve, lxc(130).clone.post(newid=131, full=1, snapname="before")) == "OK"
    assert [guest["vmid"] for guest in lxc.get()] == [130, 131]
    assert {guest["name"] for guest in pve.cluster.resources.get(type="vm")} >= {"probe"}
    lines = Tasks.decode_log(pve.nodes("pve").tasks(pve.nodes("pve").tasks.get(limit=1)[0]["upid"]).log.get())
    assert lines.endswith("TASK OK")
    for vmid in (130, 131):
        assert ended(pve, lxc(vmid).delete(force=1, purge=1)) == "OK"
    with pytest.raises(ResourceException, match=r"lxc/130\.conf' does not exist"):
        lxc(130).config.get()


def test_proxmoxer_signs_in_with_a_token_and_sees_what_the_token_may(served: fixture.Served) -> None:
    root = proxmoxer(served, user="root@pam", password="Passw0rd!")
    secret = root.access.users("root@pam").token("probe").post(privsep=1)["value"]
    token = proxmoxer(served, user="root@pam", token_name="probe", token_value=secret)
    assert token.access.permissions.get() == {}
    with pytest.raises(ResourceException) as refused:
        token.nodes("pve").status.get()
    assert (refused.value.status_code, refused.value.status_message) == (403, "Forbidden")
    root.access.acl.put(path="/", roles="PVEAuditor", tokens="root@pam!probe")
    assert token.nodes("pve").status.get()["pveversion"].startswith("pve-manager/9.")


def test_proxmoxer_hears_of_each_wrong_parameter(served: fixture.Served) -> None:
    pve = proxmoxer(served, user="root@pam", password="Passw0rd!")
    with pytest.raises(ResourceException) as refused:
        pve.nodes("pve").lxc.post(vmid=1, ostemplate=TEMPLATE, memory="much", colour="red")
    assert refused.value.errors == {
        "vmid": "invalid format - value does not look like a valid VM ID\n",
        "memory": "type check ('integer') failed - got 'much'",
        "colour": "property is not defined in schema and the schema does not allow additional properties",
    }
    with pytest.raises(AuthenticationError):
        proxmoxer(served, user="root@pam", password="wrong")


def test_curl_signs_in_and_asks(served: fixture.Served) -> None:
    curl = shutil.which("curl") or pytest.skip("curl is not installed")

    def asked(*arguments: str) -> dict[str, object]:
        command = [curl, "-sS", "--cacert", str(served.certificate), *arguments]
        return dict(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["data"])

    given = ["--data-urlencode", "username=root@pam", "--data-urlencode", "password=Passw0rd!"]
    signed_in = asked(*given, f"{served.url}/api2/json/access/ticket")
    cookie = ["--cookie", f"PVEAuthCookie={signed_in['ticket']}"]
    assert asked(*cookie, f"{served.url}/api2/json/version")["release"] == "9.2"
    assert signed_in["CSRFPreventionToken"]
