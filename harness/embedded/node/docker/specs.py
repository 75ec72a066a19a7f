"""What the next start of each container must look like, kept in files beside the node's own state."""

from __future__ import annotations

from pathlib import Path

from harness.embedded.node.docker import codec
from harness.embedded.node.runtime import GuestError, GuestSpec
from harness.kit.files import private_directory, write_atomic


class Specs:
    """The specifications of one node's containers, by VMID."""

    def __init__(self, directory: Path) -> None:
        self._directory = private_directory(directory)

    def save(self, spec: GuestSpec) -> None:
        """Write a specification, without its secrets."""
        write_atomic(self._file(spec.vmid), codec.encode(spec), mode=0o600)

    def load(self, vmid: int) -> GuestSpec:
        """The specification; raises ``GuestError`` for a container that was never made."""
        try:
            return codec.decode(self._file(vmid).read_text())
        except FileNotFoundError as missing:
            raise GuestError(f"CT {vmid} is unknown to the runtime") from missing

    def forget(self, vmid: int) -> None:
        """Remove a specification; a missing one is no error."""
        self._file(vmid).unlink(missing_ok=True)

    def tidy(self) -> None:
        """Remove files that a killed node was writing."""
        for file in self._directory.glob(".*.json.*"):
            file.unlink()

    def _file(self, vmid: int) -> Path:
        return self._directory / f"{vmid}.json"
