"""Memory, swap and processor limits of a container in Docker's terms."""

from __future__ import annotations

from typing import TypedDict

from harness.embedded.engine.options import EngineFacts
from harness.embedded.node.runtime import GuestSpec, Log

KEYS = frozenset({"memory", "swap", "cores", "cpulimit"})
_PERIOD = 100_000  # microseconds, the kernel's default
_MIB = 1 << 20


class Limits(TypedDict):
    """Arguments of both the create and the update call of the Docker Engine API."""

    mem_limit: int
    memswap_limit: int
    cpuset_cpus: str
    cpu_period: int
    cpu_quota: int


def limits(spec: GuestSpec, facts: EngineFacts) -> Limits:
    """All limits, stated in full, so that an update also takes one away.

    As on Proxmox VE ``cores`` pins to that many processors (nproc(1) in the container shows them), ``cpulimit`` is a
    share of time, and swap counts on top of memory. Without swap accounting in the kernel swap is left out.
    """
    memory = spec.memory_mib * _MIB
    swap = memory + spec.swap_mib * _MIB if facts.swap_limit else -1
    return Limits(
        mem_limit=memory,
        memswap_limit=swap,
        cpuset_cpus=processors(spec.vmid, spec.cores, facts.cpus),
        cpu_period=_PERIOD,
        cpu_quota=int(spec.cpulimit * _PERIOD) if spec.cpulimit else -1,
    )


def processors(vmid: int, cores: int | None, available: int) -> str:
    """A cpuset of ``cores`` processors; containers start at different ones, so that they do not share the first."""
    if not cores or cores >= available:
        return f"0-{available - 1}" if available > 1 else "0"
    return ",".join(str(number) for number in sorted((vmid + offset) % available for offset in range(cores)))


def explain(spec: GuestSpec, facts: EngineFacts, log: Log) -> None:
    """Say in the task's log which limits this machine cannot hold to."""
    if spec.cores and spec.cores > facts.cpus:
        log(f"{spec.cores} cores wanted, the host has {facts.cpus}")
    if not facts.swap_limit:
        log("this kernel does not account swap: the swap limit has no effect")
