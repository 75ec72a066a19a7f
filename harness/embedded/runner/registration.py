"""The runner's own credential: got once for a registration token, kept for its owner only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.embedded.runner.client import Client
from harness.kit.errors import UsageError
from harness.kit.files import write_atomic
from harness.kit.secret import Secret


@dataclass(frozen=True, slots=True)
class Credential:
    """Who the runner is to the forge."""

    id: int
    token: Secret


@dataclass(frozen=True, slots=True)
class Registration:
    """Where the credential lies and how to get one."""

    file: Path
    token_file: Path
    name: str
    labels: Sequence[str]
    untrusted: bool

    def load(self) -> Credential | None:
        """The credential of an earlier start."""
        if not self.file.exists():
            return None
        found = json.loads(self.file.read_bytes())
        return Credential(int(found["id"]), Secret(str(found["token"])))

    def register(self, client: Client) -> Credential:
        """A new credential; raises ``UsageError`` without a registration token, else what the client raises."""
        key, token = client.register(self._registration_token(), self.name, self.labels, untrusted=self.untrusted)
        write_atomic(self.file, json.dumps({"id": key, "token": token}), mode=0o600)
        return Credential(key, Secret(token))

    def _registration_token(self) -> str:
        try:
            found = self.token_file.read_text().strip()
        except OSError as error:
            raise UsageError(
                f"{self.token_file}: {error.strerror}", hint="write the forge's registration token to that file"
            ) from error
        if not found:
            raise UsageError(f"{self.token_file} is empty", hint="write the forge's registration token to that file")
        return found
