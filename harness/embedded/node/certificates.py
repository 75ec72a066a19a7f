"""The node's own certificate: made at its first start, the same ever after."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from harness.kit import files

_YEARS = 10


def ensure(certificate: Path, key: Path, name: str, addresses: Sequence[str]) -> str:
    """Make certificate and key unless they exist; returns the SHA-256 fingerprint."""
    if not certificate.exists() or not key.exists():
        pem, secret = _make(name, addresses)
        files.write_atomic(key, secret, mode=0o600)
        files.write_atomic(certificate, pem)
    return fingerprint(certificate.read_text())


def fingerprint(pem: str) -> str:
    """SHA-256 of the certificate, in pairs with colons."""
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()
    return ":".join(digest[index : index + 2] for index in range(0, len(digest), 2))


def describe(path: Path | None, print_: str) -> dict[str, Any]:
    """The facts that ``GET …/certificates/info`` shows."""
    shown: dict[str, Any] = {"filename": "pve-ssl.pem", "fingerprint": print_}
    if path is None:
        return shown
    pem = path.read_text()
    found = x509.load_pem_x509_certificate(pem.encode())
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {
        **shown,
        "pem": pem,
        "subject": _slashes(found.subject),
        "issuer": _slashes(found.issuer),
        "san": [str(name.value) for name in names],
        "notbefore": int(found.not_valid_before_utc.timestamp()),
        "notafter": int(found.not_valid_after_utc.timestamp()),
        "public-key-type": "id-ecPublicKey",
        "public-key-bits": 256,
    }


def _slashes(name: x509.Name) -> str:
    return "".join(f"/{attribute.rfc4514_string()}" for attribute in name)


def _make(name: str, addresses: Sequence[str]) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    alternatives = [x509.DNSName(name), x509.DNSName("localhost")]
    names = x509.SubjectAlternativeName([*alternatives, *(x509.IPAddress(ip_address(a)) for a in addresses)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
    builder = builder.not_valid_after(now + timedelta(days=365 * _YEARS)).add_extension(names, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    certificate = builder.sign(key, hashes.SHA256())
    plain = serialization.NoEncryption()
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return certificate.public_bytes(serialization.Encoding.PEM), secret
