"""``update``: the newest packages of its Debian release in every container, and a reboot where they ask for one."""

from __future__ import annotations

from typing import Final

from harness.inventory.model import Container
from harness.kit.clock import Deadline
from harness.kit.errors import ExitCode, HarnessError
from harness.lifecycle.observe import RUNNING, observe
from harness.lifecycle.workspace import Workspace
from harness.pipeline import health, inside, locks
from harness.pipeline.door import Office
from harness.pve import tasks

_UPGRADE_SECONDS: Final = 3600.0
_REBOOT_SECONDS: Final = 300.0
_BACK_SECONDS: Final = 180.0
_UPGRADE: Final = """\
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
apt-get -y -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 update >/dev/null
changed=$(apt-get -s -qq dist-upgrade | grep -c '^Inst ' || true)
[ "$changed" = 0 ] || apt-get -y -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 \\
  -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold dist-upgrade >/dev/null
reboot=no
[ ! -e /run/reboot-required ] && [ ! -e /var/run/reboot-required ] || reboot=yes
echo "$changed $reboot"
"""


def update_all(office: Office) -> int:
    """One container after the other, those that others need first. Exit code 1: one of them has not come through."""
    workspace = office.workspace()
    failed = []
    try:
        for container in standing(workspace):
            try:
                office.say(f"{container.name}: {update(workspace, container)}")
            except HarnessError as error:
                office.say(f"{container.name}: {error.message}")
                failed.append(container.name)
    finally:
        workspace.close()
    if failed:
        office.say(f"not updated: {', '.join(failed)}")
    return ExitCode.FAILED if failed else ExitCode.OK


def standing(workspace: Workspace) -> list[Container]:
    """Containers of ours that run. The control plane, which this runs in, is brought up to date by deploying it."""
    found = observe(workspace.pve, workspace.inventory)
    ours = {stamp.container: seen for seen, stamp in found.ours(workspace.monorepo) if seen.status == RUNNING}
    return [one for one in workspace.inventory.deployable if one.name in ours and ours[one.name].vmid == one.vmid]


def update(workspace: Workspace, container: Container) -> str:
    """Upgrade one container; what was done, in words. Raises ``HarnessError`` when it is not well afterwards."""
    with locks.held(workspace.share, [container.vmid]):
        done = inside.connect(workspace, container).run(
            "sh -s", sudo=True, stdin=_UPGRADE.encode(), timeout=_UPGRADE_SECONDS
        )
        changed, _, reboot = done.text.strip().splitlines()[-1].partition(" ")
        if reboot == "yes":
            _reboot(workspace, container)
        state = health.unit(workspace, container)
    if state != "active":
        raise HarnessError(f"its service is {state} after the upgrade", hint=f"./run verify -- {container.name}")
    upgraded = f"{changed} packages upgraded" if changed != "0" else "up to date"
    return f"{upgraded}{', rebooted' if reboot == 'yes' else ''}"


def _reboot(workspace: Workspace, container: Container) -> None:
    """POST /nodes/{node}/lxc/{vmid}/status/reboot (PVE API schema), then wait for ssh."""
    seen = observe(workspace.pve, workspace.inventory).guests[container.vmid]
    upid = workspace.pve.post(f"nodes/{seen.node}/lxc/{container.vmid}/status/reboot", timeout=60)
    tasks.wait_for(workspace.pve, str(upid), Deadline(_REBOOT_SECONDS))
    workspace.connections.drop(container.vmid)
    inside.connect(workspace, container, _BACK_SECONDS).run("systemctl is-system-running --wait || true", timeout=120)
