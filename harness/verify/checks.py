"""Questions that every container's specs ask alike."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from testinfra.host import Host

from harness.kit.secret import Secret
from harness.verify import backend

SHORTEST_SECRET = 8
"""Characters; a shorter one occurs by chance all over a Debian system, and finding it says nothing."""
SEARCHED = ("/etc", "/var", "/app", "/home", "/opt", "/srv", "/run", "/tmp", "/usr/local")  # noqa: S108 - looked through, not written to

# As nobody: what counts is which files a stranger in the container can reach, directories' modes included.
# The secret comes in on standard input and waits in a file that only root can read.
_SEARCH = """
secret=$(mktemp) && trap 'rm -f "$secret"' EXIT && cat >"$secret" || exit
runuser -u nobody -- find {places} -type f -readable -size -4M -print0 2>/dev/null |
    xargs -0 -r grep -lsF -f "$secret" --
code=$?
test $code -eq 0 || test $code -eq 123  # xargs: a grep found nothing
"""


def sshd_settings(host: Host) -> dict[str, str]:
    """The settings that sshd really uses, by lower-case keyword (``sshd -T``)."""
    lines = host.check_output("/usr/sbin/sshd -T").splitlines()
    return {keyword: value for keyword, _, value in (line.partition(" ") for line in lines)}


def listens(host: Host, address: str, port: int) -> bool:
    """Whether a TCP server takes connections to ``address``: bound to it, or to every IPv4 address.

    testinfra's own ``socket`` says no for a server on 0.0.0.0 when asked about one address.
    """
    lines = host.check_output("ss --no-header --listening --tcp --numeric").splitlines()
    bound = {line.split()[3] for line in lines}
    return not bound.isdisjoint(f"{each}:{port}" for each in (address, "0.0.0.0", "*"))  # noqa: S104 - compared only


def files_that_tell(host: Host, secret: Secret, places: Sequence[str] = SEARCHED) -> list[str]:
    """Files that any user of the container can read and that contain ``secret``.

    Skips the test when the secret is too short to be searched for.
    """
    value = secret.reveal()
    if len(value) < SHORTEST_SECRET:
        pytest.skip(f"a secret of fewer than {SHORTEST_SECRET} characters is found everywhere by chance")
    found = backend.feed(host, value + "\n", _SEARCH.format(places=" ".join(places)))
    assert found.rc == 0, f"the search failed: {found.stderr}"
    return sorted(found.stdout.splitlines())


def mentions(host: Host, secret: Secret, path: str) -> bool:
    """Whether the file ``path`` contains ``secret``. The secret is in no argument, as in ``file.contains``."""
    found = backend.feed(host, secret.reveal() + "\n", "grep -qF -f - -- %s", path)
    assert found.rc in (0, 1), f"{path} cannot be read: {found.stderr}"
    return bool(found.rc == 0)
