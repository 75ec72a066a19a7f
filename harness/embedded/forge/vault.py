"""Secrets at rest: encrypted with a key that lies beside the database, readable by its owner only."""

from __future__ import annotations

from pathlib import Path

from cryptography.fernet import Fernet

from harness.kit.files import write_atomic


class Vault:
    """Seals and opens small values."""

    def __init__(self, key_file: Path) -> None:
        if not key_file.exists():
            write_atomic(key_file, Fernet.generate_key(), mode=0o600)
        self._fernet = Fernet(key_file.read_bytes().strip())

    def seal(self, text: str) -> bytes:
        """Encrypted and authenticated."""
        return self._fernet.encrypt(text.encode())

    def open(self, box: bytes) -> str:
        """What ``seal`` was given; raises ``cryptography.fernet.InvalidToken`` when it was changed."""
        return self._fernet.decrypt(box).decode()
