"""What the Cinc engine takes along: which package to install, and the package itself where the container has no way
to the mirror."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from harness.converge.errors import MirrorError
from harness.converge.mirror import Release, download

PACKAGE = "/var/cache/gitops-cinc.deb"
"""Where ``scripts/cinc.sh`` looks for a package before it fetches one."""
_DOWNLOAD_SECONDS = 120.0


def files(release: Release) -> dict[str, bytes]:
    """The wanted version and the table of packages that ``scripts/cinc.sh`` chooses from."""
    rows = [f"{item.debian} {item.architecture} {item.sha256} {item.url}" for item in release.packages]
    return {"cinc.version": release.version.encode(), "cinc.packages": "\n".join([*rows, ""]).encode()}


def fetch(
    release: Release,
    sha256: str,
    *,
    get: Callable[[str], bytes] = lambda url: download(url, timeout=_DOWNLOAD_SECONDS),
) -> bytes:
    """The release's package with that SHA-256, fetched by this machine. Raises ``MirrorError`` when it is another."""
    package = next((item for item in release.packages if item.sha256 == sha256), None)
    if package is None:
        raise MirrorError(f"Cinc {release.version} has no package for this container's Debian and architecture")
    data = get(package.url)
    found = hashlib.sha256(data).hexdigest()
    if found != package.sha256:
        raise MirrorError(
            f"{package.url} has the SHA-256 {found}, the mirror promised {package.sha256}",
            hint="the download was altered or cut short; try again or another mirror",
        )
    return data
