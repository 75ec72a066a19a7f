"""``python -m harness.controlplane.gitea.forge``: prepare a Gitea and become it.

It takes the options of ``harness.embedded.forge``, and two besides: Gitea's program, and what links begin with.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from harness.controlplane.gitea import relay, setup
from harness.controlplane.gitea.site import Door, Site
from harness.kit.errors import HarnessError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness.controlplane.gitea.forge", description="Run a Gitea.")
    parser.add_argument("--gitea", type=Path, required=True, metavar="FILE", help="Gitea's program")
    parser.add_argument("--state", type=Path, required=True, metavar="DIR", help="where everything is kept")
    parser.add_argument("--listen", default="127.0.0.1:8080", metavar="ADDRESS:PORT", help="default %(default)s")
    parser.add_argument("--admin", required=True, metavar="NAME", help="the administrator")
    parser.add_argument("--url", required=True, metavar="URL", help="what links begin with")
    parser.add_argument("--certificate", type=Path, metavar="FILE", help="serve https with this chain")
    parser.add_argument("--key", type=Path, metavar="FILE", help="the certificate's key")
    parser.add_argument("--plain-port", type=int, metavar="PORT", help="with them: serve http on this port of loopback")
    return parser


def site_of(argv: Sequence[str] | None = None) -> tuple[Site, int | None]:
    """What the command line says, and the plain port."""
    parser = _parser()
    given = parser.parse_args(argv)
    host, _, port = given.listen.rpartition(":")
    if not host or not port.isdigit():
        parser.error("--listen takes ADDRESS:PORT")
    if (given.certificate is None) != (given.key is None):
        parser.error("--certificate and --key belong together")
    if given.plain_port is not None and given.certificate is None:
        parser.error("--plain-port is for a forge with a certificate")
    door = Door(host.strip("[]"), int(port), given.certificate, given.key)
    return Site(given.gitea, given.state.absolute(), given.admin, given.url, door), given.plain_port


def main(argv: Sequence[str] | None = None) -> int:
    """Prepare, then become Gitea; with a plain port stay beside it."""
    site, plain_port = site_of(argv)
    try:
        setup.prepare(site)
    except (HarnessError, OSError) as problem:
        hint = f" ({problem.hint})" if isinstance(problem, HarnessError) and problem.hint else ""
        sys.stderr.write(f"forge: {problem}{hint}\n")
        return 1
    if plain_port is None:
        _become(site)
    return relay.run_beside(site.command("web"), site.door, plain_port, site.home)


def _become(site: Site) -> NoReturn:
    os.chdir(site.home)
    sys.stdout.flush()
    os.execv(site.program, site.command("web"))  # noqa: S606 - there is no shell to go through


if __name__ == "__main__":
    sys.exit(main())
