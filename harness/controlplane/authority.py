"""The project's own certificate authority: made once, kept on this side, it vouches for the forge's address."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from harness.kit.clock import Clock, SystemClock
from harness.kit.errors import HarnessError
from harness.kit.files import exclusive, private_directory, write_atomic
from harness.kit.secret import Secret

_CA_DAYS = 3650
_DAYS = 397
"""What browsers accept at most of a server's certificate."""
_RENEW_DAYS = 60
"""A certificate with less left is replaced."""
_NAME = "Proxmox GitOps"


@dataclass(frozen=True, slots=True)
class Issued:
    """A server's certificate chain (PEM) and its private key."""

    certificate: str
    key: Secret


@dataclass(frozen=True, slots=True)
class Server:
    """Who is to be vouched for: the first of ``names`` is its common name."""

    names: tuple[str, ...]
    addresses: tuple[IPv4Address, ...]

    def fits(self, certificate: x509.Certificate) -> bool:
        """Whether a certificate is for exactly these names and addresses."""
        try:
            found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            return False
        names, addresses = found.get_values_for_type(x509.DNSName), found.get_values_for_type(x509.IPAddress)
        return set(names) == set(self.names) and set(addresses) == set(self.addresses)


class Authority:
    """The authority kept in ``directory`` (0700), with the certificates that it has issued."""

    def __init__(self, directory: Path, clock: Clock | None = None) -> None:
        self._directory = directory
        self._clock = clock or SystemClock()

    def found(self) -> Path:
        """The authority's own certificate, for ``--cacert`` and the like; made when missing."""
        path = self._directory / "ca.crt"
        if not path.exists():
            with exclusive(private_directory(self._directory) / ".lock"):
                if not path.exists():
                    self._make(path)
        return path

    def issue(self, name: str, server: Server) -> Issued:
        """The certificate kept as ``name``: the one that is there while it fits and lasts, else a new one."""
        path, key = self._directory / f"{name}.crt", self._directory / f"{name}.key"
        self.found()
        with exclusive(private_directory(self._directory) / ".lock"):
            if not (path.exists() and key.exists() and self._holds(path, server)):
                self._sign(path, key, server)
        return Issued(path.read_text(), Secret(key.read_text()))

    def _make(self, path: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{_NAME} {x509.random_serial_number() % 10**6}")])
        builder = self._builder(subject, subject, key, _CA_DAYS)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_usage(authority=True), critical=True)
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = builder.add_extension(identifier, critical=False)
        write_atomic(self._directory / "ca.key", _pem(key), mode=0o600)
        write_atomic(path, builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def _sign(self, path: Path, key_path: Path, server: Server) -> None:
        authority, authority_key = self._load()
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, server.names[0])])
        builder = self._builder(subject, authority.subject, key, _DAYS)
        builder = builder.add_extension(_alternatives(server), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(authority=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
        builder = builder.add_extension(signer, critical=False)
        certificate = builder.sign(authority_key, hashes.SHA256())
        write_atomic(key_path, _pem(key), mode=0o600)
        write_atomic(path, certificate.public_bytes(serialization.Encoding.PEM))

    def _builder(
        self, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
    ) -> x509.CertificateBuilder:
        now = self._clock.now()
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        # A clock that is slightly behind must not find it "not yet valid".
        return builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=days))

    def _holds(self, path: Path, server: Server) -> bool:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        left = certificate.not_valid_after_utc - self._clock.now().astimezone(UTC)
        authority, _ = self._load()
        return (
            left > timedelta(days=_RENEW_DAYS) and certificate.issuer == authority.subject and server.fits(certificate)
        )

    def _load(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        try:
            certificate = x509.load_pem_x509_certificate((self._directory / "ca.crt").read_bytes())
            key = serialization.load_pem_private_key((self._directory / "ca.key").read_bytes(), None)
        except (FileNotFoundError, ValueError) as damaged:
            hint = f"remove {self._directory}: a new authority is made, and has to be trusted anew"
            raise HarnessError(f"the certificate authority in {self._directory} is damaged", hint=hint) from damaged
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return certificate, key


def _alternatives(server: Server) -> x509.SubjectAlternativeName:
    names: Iterable[x509.GeneralName] = map(x509.DNSName, server.names)
    return x509.SubjectAlternativeName([*names, *map(x509.IPAddress, server.addresses)])


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)


def expires(certificate: str) -> datetime:
    """When a certificate (PEM) ends, UTC."""
    return x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc
