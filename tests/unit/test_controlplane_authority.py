"""The project's own certificate authority."""

from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from harness.controlplane import authority
from harness.controlplane.authority import Authority, Server
from harness.kit.clock import SystemClock
from harness.kit.errors import HarnessError

LOOPBACK = Server(("config.internal", "config"), (IPv4Address("127.0.0.1"),))


class Shifted(SystemClock):
    """A clock that is ``days`` ahead."""

    def __init__(self, days: float) -> None:
        self._ahead = timedelta(days=days)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead


def handshake(directory: Path, name: str, trusted: Path) -> dict[str, object]:
    """What a client that trusts only ``trusted`` sees of a server with the certificate kept as ``name``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / f"{name}.crt", directory / f"{name}.key")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            plain, _ = listener.accept()
            try:
                context.wrap_socket(plain, server_side=True).close()
            except (ssl.SSLError, ConnectionError):
                plain.close()

        thread = threading.Thread(target=serve)
        thread.start()
        client = ssl.create_default_context(cafile=str(trusted))
        try:
            with (
                socket.create_connection(listener.getsockname(), timeout=5) as plain,
                client.wrap_socket(plain, server_hostname="127.0.0.1") as tls,
            ):
                return dict(tls.getpeercert() or {})
        finally:
            thread.join(5)


def test_a_client_that_trusts_the_authority_reaches_the_address(tmp_path: Path) -> None:
    made = Authority(tmp_path / "authority")
    made.issue("config", LOOPBACK)
    seen = handshake(tmp_path / "authority", "config", made.found())
    assert ("IP Address", "127.0.0.1") in seen["subjectAltName"]  # type: ignore[operator]
    assert ("DNS", "config.internal") in seen["subjectAltName"]  # type: ignore[operator]


def test_a_client_of_another_authority_does_not(tmp_path: Path) -> None:
    Authority(tmp_path / "one").issue("config", LOOPBACK)
    other = Authority(tmp_path / "other").found()
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tmp_path / "one", "config", other)


def test_authority_and_certificate_stay_the_same(tmp_path: Path) -> None:
    first, again = Authority(tmp_path), Authority(tmp_path)
    assert first.issue("config", LOOPBACK) == again.issue("config", LOOPBACK)
    assert first.found().read_text() == again.found().read_text()


@pytest.mark.parametrize(("days", "renewed"), [(300, False), (350, True), (500, True)])
def test_a_certificate_is_renewed_before_it_ends(tmp_path: Path, days: int, renewed: bool) -> None:
    before = Authority(tmp_path).issue("config", LOOPBACK)
    after = Authority(tmp_path, Shifted(days)).issue("config", LOOPBACK)
    assert (after != before) is renewed
    assert authority.expires(after.certificate) > datetime.now(UTC) + timedelta(days=days)


def test_another_address_is_another_certificate(tmp_path: Path) -> None:
    moved = Server(LOOPBACK.names, (IPv4Address("10.143.0.10"),))
    one = Authority(tmp_path)
    assert one.issue("config", LOOPBACK).certificate != one.issue("config", moved).certificate


def test_keys_are_private(tmp_path: Path) -> None:
    issued = Authority(tmp_path / "authority").issue("config", LOOPBACK)
    assert (tmp_path / "authority").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "authority").glob("*.key")} == {0o600}
    assert "PRIVATE" not in repr(issued)


def test_a_damaged_authority_says_what_removing_it_means(tmp_path: Path) -> None:
    made = Authority(tmp_path)
    made.found()
    (tmp_path / "ca.key").write_text("rubbish")
    with pytest.raises(HarnessError, match="damaged") as failed:
        made.issue("config", LOOPBACK)
    assert "trusted anew" in str(failed.value.hint)
