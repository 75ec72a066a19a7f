"""Whom we talk to: a certificate is pinned by its fingerprint or signed by a known authority, and nothing else.

An adapter holds both halves of pinning together: authorities are left out of the handshake only by the very object
that compares the fingerprint.
"""

from __future__ import annotations

import hashlib
import re
import ssl
from typing import Any

from requests.adapters import HTTPAdapter

_SHA256 = re.compile(r"[0-9A-F]{64}")


def normal_fingerprint(text: str) -> str | None:
    """``text`` as ``AB:CD:…`` of 32 bytes, or None when it is no SHA-256 fingerprint."""
    digits = text.replace(":", "").strip().upper()
    if not _SHA256.fullmatch(digits):
        return None
    return ":".join(digits[start : start + 2] for start in range(0, 64, 2))


def presented_fingerprint(host: str, port: int, timeout: float) -> str | None:
    """SHA-256 of the certificate the server shows now, read without trusting it; None when it shows none."""
    try:
        pem = ssl.get_server_certificate((host, port), timeout=timeout)
    except (OSError, ValueError):
        return None
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    return normal_fingerprint(digest)


class PinnedAdapter(HTTPAdapter):
    """Talks only to the holder of one certificate, whoever signed it and whatever name it carries."""

    def __init__(self, fingerprint: str, connections: int) -> None:
        self._fingerprint = fingerprint
        super().__init__(pool_maxsize=connections)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, assert_fingerprint=self._fingerprint, **kwargs)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ARG002  (the signature of requests)
        """Leave authorities out of it: the fingerprint, compared by the same connection, says more than they do."""
        conn.assert_fingerprint = self._fingerprint
        conn.cert_reqs = "CERT_NONE"
        conn.ca_certs = conn.ca_cert_dir = None


class KnownAuthoritiesAdapter(HTTPAdapter):
    """Verifies against the authorities this machine trusts, so that a company's own CA counts as well."""

    def __init__(self, connections: int) -> None:
        super().__init__(pool_maxsize=connections)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=ssl.create_default_context(), **kwargs)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ARG002  (the signature of requests)
        """Keep the context's own authorities instead of the bundle that requests ships."""
        conn.cert_reqs = "CERT_REQUIRED"
        conn.ca_certs = conn.ca_cert_dir = None


def adapter(fingerprint: str | None, connections: int) -> HTTPAdapter:
    """The adapter for a pinned or an unpinned server."""
    return PinnedAdapter(fingerprint, connections) if fingerprint else KnownAuthoritiesAdapter(connections)
