"""A directory mounted into a running container: Docker cannot, the kernel can.

Run as a program of its own (``python -m … PID SOURCE TARGET rw|ro``), because a process that has entered another mount
namespace is of no use for anything else.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

from harness.kit import process

# Numbers of the kernel's interface, the same on every architecture: open_tree(2), move_mount(2), mount(2), setns(2).
_OPEN_TREE, _MOVE_MOUNT = 428, 429
_OPEN_TREE_CLONE, _MOVE_MOUNT_F_EMPTY_PATH = 1, 4
_AT_FDCWD = -100
_CLONE_NEWNS = 0x20000
_MS_RDONLY, _MS_REMOUNT, _MS_BIND = 1, 32, 4096


def is_possible(pid: int, container: str, source: Path, proc: Path = Path("/proc")) -> bool:
    """Whether this process may do it: as root, on the machine where the container's processes and files are."""
    try:
        groups = (proc / str(pid) / "cgroup").read_text()
    except OSError:
        return False
    return os.geteuid() == 0 and container in groups and source.is_dir()


def plug(pid: int, source: Path, target: str, *, read_only: bool, run: process.Runner = process.run) -> bool:
    """Mount ``source`` at ``target`` inside the container with this init; False when the kernel refuses."""
    mode = "ro" if read_only else "rw"
    argv = [sys.executable, "-m", __name__, str(pid), str(source), target, mode]
    package = Path(__file__).parents[len(__name__.split(".")) - 1]
    return run(argv, cwd=package, check=False, timeout=30).code == 0


def main(pid: str, source: str, target: str, mode: str) -> int:
    """Copy the mount here, enter the container's mount namespace, and put it there."""
    libc = ctypes.CDLL(None, use_errno=True)
    tree = libc.syscall(_OPEN_TREE, _AT_FDCWD, source.encode(), _OPEN_TREE_CLONE)
    _check(tree)
    with Path(f"/proc/{pid}/ns/mnt").open("rb") as namespace:
        _check(libc.setns(namespace.fileno(), _CLONE_NEWNS))
    Path(target).mkdir(parents=True, exist_ok=True)
    _check(libc.syscall(_MOVE_MOUNT, tree, b"", _AT_FDCWD, target.encode(), _MOVE_MOUNT_F_EMPTY_PATH))
    if mode == "ro":
        _check(libc.mount(None, target.encode(), None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY, None))
    return 0


def _check(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
