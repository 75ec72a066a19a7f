"""``python -m harness.embedded.forge``: run a forge."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from harness.embedded.forge import server
from harness.embedded.forge.errors import ForgeError
from harness.embedded.forge.settings import ForgeSettings
from harness.kit.errors import ExitCode


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness.embedded.forge", description="Run the embedded forge.")
    parser.add_argument("--state", type=Path, required=True, metavar="DIR", help="where everything is kept")
    parser.add_argument("--listen", default="127.0.0.1:8080", metavar="ADDRESS:PORT", help="default %(default)s")
    parser.add_argument(
        "--admin",
        default="root",
        metavar="NAME",
        help=f"the administrator; the password stands in {server.PASSWORD_FILE} of the state directory and is made "
        "when missing (default %(default)s)",
    )
    parser.add_argument("--url", default="", metavar="URL", help="what links begin with (default: as asked)")
    parser.add_argument("--certificate", type=Path, metavar="FILE", help="serve https with this chain")
    parser.add_argument("--key", type=Path, metavar="FILE", help="the certificate's key")
    parser.add_argument("--plain-port", type=int, metavar="PORT", help="with them: serve http on this port of loopback")
    parser.add_argument(
        "--trusted-owner",
        action="append",
        default=[],
        metavar="NAME",
        help="run code of this account's repositories only, not of people's own ones (repeatable; default: all)",
    )
    parser.add_argument("--no-pages", action="store_true", help="the API and git only")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run until a signal ends it."""
    parser = _parser()
    given = parser.parse_args(argv)
    host, _, port = given.listen.rpartition(":")
    if not host or not port.isdigit():
        parser.error("--listen takes ADDRESS:PORT")
    if (given.certificate is None) != (given.key is None):
        parser.error("--certificate and --key belong together")
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    address = {"host": host.strip("[]"), "port": int(port), "root_url": given.url}
    tls = {"certificate": given.certificate, "key": given.key, "plain_port": given.plain_port}
    owners = tuple(name.lower() for name in given.trusted_owner)
    settings = ForgeSettings(
        given.state, **address, **tls, admin=given.admin, pages=not given.no_pages, trusted_owners=owners
    )
    try:
        server.run(settings)
    except (ForgeError, OSError) as problem:
        sys.stderr.write(f"forge: {problem}\n")
        return ExitCode.FAILED
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())
