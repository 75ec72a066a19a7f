"""Whom every container trusts besides the world's authorities: the project's own, which vouches for its forge."""

from __future__ import annotations

from harness.config.share import Share


def certificate(share: Share) -> str:
    """The authority's certificate (PEM). It is made when missing: containers that come before it would lack it."""
    path = share.authority / "ca.crt"
    if not path.exists():
        from harness.controlplane import deployment  # noqa: PLC0415 - slow to import, and needed once in a target's life

        path = deployment.authority(share).found()
    return path.read_text()
