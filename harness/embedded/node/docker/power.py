"""Starting and stopping containers."""

from __future__ import annotations

from docker import errors as docker_errors

from harness.embedded.engine import labels
from harness.embedded.node.docker import codec, devices, inits, interfaces
from harness.embedded.node.docker.holdings import Holdings
from harness.embedded.node.docker.imports import is_foreign
from harness.embedded.node.runtime import GuestError, GuestSpec, Log
from harness.kit import clock
from harness.kit.errors import DeadlineError

_STOP_GRACE_SECONDS = 2.0
"""A stop first lets systemd close files; Proxmox VE kills at once, and a commit of half-written files helps nobody."""
_KILL_SECONDS = 10.0
_ASK_AGAIN_SECONDS = 3.0


class Power:
    """Does both for the containers of one node, and waits until it is so."""

    def __init__(self, held: Holdings) -> None:
        self._held = held

    def start(self, vmid: int, log: Log) -> None:
        """Start a stopped container; what waited for that is applied first."""
        spec = self._held.specs.load(vmid)
        present = self._held.containers.get(vmid)
        if present["State"]["Running"]:
            return
        if present["Config"]["Labels"].get(labels.SPEC) != codec.fingerprint(spec):
            self._held.containers.recreate(spec, log)
        self._begin(spec)
        self._after_start(spec)

    def _begin(self, spec: GuestSpec) -> None:
        failed = f"startup for container '{spec.vmid}' failed"
        try:
            self._held.api.start(self._held.names.container(spec.vmid))
        except docker_errors.APIError as refused:
            if is_foreign(spec.image):
                raise GuestError(failed, detail=str(refused.explanation)) from refused
            raise
        if is_foreign(spec.image) and not self._has_begun(spec.vmid):
            raise GuestError(failed, hint="its archive has no /sbin/init that runs")

    def _has_begun(self, vmid: int) -> bool:
        """Whether the init of a container that was just started has taken over and lives."""

        def settled() -> bool:
            state = self._held.containers.get(vmid)["State"]
            return not state["Running"] or not inits.is_starting(int(state["Pid"]))

        clock.wait_until(settled, clock.Deadline(_KILL_SECONDS), f"start of CT {vmid}", longest_pause=0.1)
        return bool(self._held.containers.get(vmid)["State"]["Running"])

    def _after_start(self, spec: GuestSpec) -> None:
        script = devices.permission_script(spec.devices)
        if script:
            self._held.commands.run(spec.vmid, ["sh", "-c", script])
        self._held.commands.name_interfaces(spec.vmid, interfaces.named_otherwise(spec.nets))
        self._held.watch.started(spec.vmid)

    def stop(self, vmid: int) -> None:
        """End it, by force where it does not at once."""
        if not self._signal(vmid, self._halt(vmid)):
            return
        try:
            self._wait_stopped(vmid, _STOP_GRACE_SECONDS)
        except DeadlineError:
            self._signal(vmid, "SIGKILL")
            self._wait_stopped(vmid, _KILL_SECONDS)

    def shutdown(self, vmid: int, timeout: float) -> None:
        """Ask it to end; raises ``GuestError`` when it still runs after ``timeout`` seconds."""
        deadline = clock.Deadline(timeout)
        # Asked again and again: an init that has not set up its signals yet misses the first request.
        while self._signal(vmid, self._halt(vmid)):
            try:
                self._wait_stopped(vmid, min(_ASK_AGAIN_SECONDS, deadline.remaining))
            except DeadlineError as late:
                if deadline.passed:
                    text = f"CT {vmid} still runs {timeout:g} s after it was asked to shut down"
                    raise GuestError(text) from late

    def _halt(self, vmid: int) -> str:
        return inits.halt_signal(self._held.watch.state(vmid).pid)

    def _signal(self, vmid: int, signal: str) -> bool:
        """Send a signal to a container's init; False when it does not run."""
        try:
            self._held.api.kill(self._held.names.container(vmid), signal)
        except docker_errors.NotFound:
            return False
        except docker_errors.APIError as refused:
            if refused.status_code == 409:  # not running
                return False
            raise
        return True

    def _wait_stopped(self, vmid: int, seconds: float) -> None:
        def stopped() -> bool:
            found = self._held.containers.find(vmid)
            return found is None or not found["State"]["Running"]

        clock.wait_until(stopped, clock.Deadline(seconds), f"end of CT {vmid}", longest_pause=0.1)
        self._held.watch.ended(vmid)
