"""All containers of the node: found, saved, locked, removed."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.embedded.node.errors import ApiError, failure
from harness.embedded.node.faults import Plan
from harness.embedded.node.guest_config import Guest, from_record
from harness.embedded.node.store import Store

LOCK_SECONDS = 10.0


class Guests:
    """The containers by VMID, with one lock each for changes of the configuration."""

    def __init__(self, node: str, store: Store, lock_seconds: float = LOCK_SECONDS, faults: Plan | None = None) -> None:
        self._node = node
        self._faults = faults or Plan()
        self._table = store.table("guest")
        self._own_locks = store.table("own-lock")
        self._seconds = lock_seconds
        self._loaded = {int(key): from_record(int(key), record) for key, record in self._table.items()}
        self._locks: defaultdict[int, threading.RLock] = defaultdict(threading.RLock)
        self._reserving = threading.Lock()
        self._held = threading.Event()  # never set: somebody else has the lock for as long as is waited for

    def all(self) -> list[Guest]:
        """Every container."""
        return list(self._loaded.values())

    def find(self, vmid: int) -> Guest | None:
        """The container, or None."""
        return self._loaded.get(vmid)

    def load(self, vmid: int) -> Guest:
        """The container; raises PVE's 500 when there is none."""
        guest = self._loaded.get(vmid)
        if guest is None:
            raise failure(f"Configuration file 'nodes/{self._node}/lxc/{vmid}.conf' does not exist")
        return guest

    def save(self, guest: Guest) -> Guest:
        """Write the configuration."""
        self._table.put(str(guest.vmid), guest.record())
        self._loaded[guest.vmid] = guest
        return guest

    def remove(self, vmid: int) -> None:
        """Remove the configuration."""
        self._table.delete(str(vmid))
        self._own_locks.delete(str(vmid))
        self._loaded.pop(vmid, None)

    def check_unused(self, vmid: int) -> None:
        """Raise when the VMID is taken."""
        if vmid in self._loaded:
            raise self.taken(vmid)

    def taken(self, vmid: int) -> ApiError:
        """PVE's 500 for a VMID that is in use."""
        return failure(f"CT {vmid} already exists on node '{self._node}'")

    def reserve(self, guest: Guest, word: str) -> None:
        """Write a new configuration under a lock of the node's own; raises as for a VMID in use."""
        with self._reserving:
            self.check_unused(guest.vmid)
            self.begin(guest, word, new=True)

    def begin(self, guest: Guest, word: str, *, new: bool = False) -> Guest:
        """Put the node's own lock on a container; a restart of the node takes it off again.

        ``new``: the container comes to be under this lock, and goes when the node dies meanwhile.
        """
        self._own_locks.put(str(guest.vmid), {"lock": word, "new": new})
        return self.save(guest.with_config(lock=word))

    def end(self, guest: Guest) -> Guest:
        """Write the configuration without the node's own lock."""
        saved = self.save(guest.with_config(lock=None))
        self._own_locks.delete(str(guest.vmid))
        return saved

    def interrupted(self) -> list[Guest]:
        """The containers that a killed node left under a lock of its own."""
        found = [self._loaded.get(int(key)) for key in self._own_locks]
        return [guest for guest in found if guest is not None]

    def is_half_made(self, vmid: int) -> bool:
        """Whether a container that a killed node left was not there before."""
        return bool((self._own_locks.get(str(vmid)) or {}).get("new"))

    def _timeout(self, vmid: int) -> ApiError:
        return failure(f"can't lock file '/run/lock/lxc/pve-config-{vmid}.lock' - got timeout")

    @contextmanager
    def locked(self, vmid: int, waiting: Callable[[str], None] | None = None) -> Iterator[None]:
        """Hold the container's lock; ``waiting`` hears when another holds it. Raises PVE's 500 after ten seconds."""
        if self._faults.take("hold-lock", vmid=vmid):
            if waiting:
                waiting("trying to acquire lock...")
            self._held.wait(self._seconds)
            raise self._timeout(vmid)
        lock = self._locks[vmid]
        if not lock.acquire(blocking=False):
            if waiting:
                waiting("trying to acquire lock...")
            if not lock.acquire(timeout=self._seconds):
                raise self._timeout(vmid)
            if waiting:
                waiting(" OK")
        try:
            yield
        finally:
            lock.release()


def check_lock(guest: Guest) -> None:
    """Raise when the configuration names a lock."""
    if guest.lock:
        raise failure(f"CT is locked ({guest.lock})")


def check_protection(guest: Guest, what: str) -> None:
    """Raise when the container is protected."""
    if guest.config.get("protection") == "1":
        raise failure(f"{what} - protection mode enabled")


def check_digest(guest: Guest, digest: str | None) -> None:
    """Raise when the caller has seen another configuration."""
    if digest and digest != guest.digest:
        raise modified()


def modified() -> ApiError:
    """PVE's 500 for a digest that is not the present one."""
    return failure("detected modified configuration - file changed by other user? Try again.")
