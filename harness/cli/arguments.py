"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from harness.inventory.model import Inventory
from harness.kit.errors import UsageError

Subparsers = Any  # argparse keeps the type of add_subparsers() private

# Declared here so that their values are never taken for container names; any other option goes to pytest as well.
_WITH_VALUE = ("-k", "-m", "-n", "-p", "-o", "-W", "--maxfail", "--junitxml", "--tb", "--durations", "--deselect")
_SWITCHES = ("-x", "--lf", "--ff", "--sw", "-v", "-vv", "-q", "-s", "--pdb")


def command(subparsers: Subparsers, name: str, purpose: str, **more: Any) -> argparse.ArgumentParser:
    """A parser for one command; ``purpose`` is its line in every help."""
    parser: argparse.ArgumentParser = subparsers.add_parser(name, help=purpose, description=purpose, **more)
    return parser


def add_containers(parser: argparse.ArgumentParser) -> None:
    """``[container …]``: all of them when none is named."""
    parser.add_argument("containers", nargs="*", metavar="container", help="a folder of libs/; default: all of them")


def add_stage(parser: argparse.ArgumentParser) -> None:
    """``--stage NAME``: config.NAME.env is read too, hostnames get the prefix NAME-."""
    parser.add_argument("--stage", metavar="NAME", help="read config.NAME.env as well, as a second deployment")


class _HandOn(argparse.Action):
    """Collects an option, with its value if it has one, for pytest."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002  # argparse's own signature
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        given = [] if isinstance(values, list) or values is None else [str(values)]
        earlier = getattr(namespace, self.dest) or []
        setattr(namespace, self.dest, [*earlier, str(option_string), *given])


def add_pytest(parser: argparse.ArgumentParser) -> None:
    """Options of pytest that go through as they are; see ``pytest_arguments``."""
    group = parser.add_argument_group("handed on to pytest (and so is any option not listed here, as --name=value)")
    for name in _WITH_VALUE:
        group.add_argument(name, dest="pytest", action=_HandOn, metavar="VALUE", help=argparse.SUPPRESS)
    for name in _SWITCHES:
        group.add_argument(name, dest="pytest", action=_HandOn, nargs=0, help=argparse.SUPPRESS)
    group.description = " ".join((*(f"{name} VALUE" for name in _WITH_VALUE), *_SWITCHES))
    parser.set_defaults(passes_on=True, pytest=[])


def pytest_arguments(options: argparse.Namespace) -> list[str]:
    """What the user meant for pytest: declared options first, then those this parser does not know."""
    unknown = [word for word in options.rest if word.startswith("-")]
    return [*options.pytest, *unknown]


def named(options: argparse.Namespace) -> list[str]:
    """Names of containers that the user gave."""
    return [*options.containers, *(word for word in getattr(options, "rest", []) if not word.startswith("-"))]


def chosen(options: argparse.Namespace, inventory: Inventory) -> tuple[str, ...]:
    """Names the user gave, in deployment order, or all deployable ones.

    Raises ``UsageError`` for a name that is no container, with the ones there are.
    """
    words = named(options)
    known(words, inventory)
    return tuple(name for name in inventory.names if name in words or not words)


def known(words: Iterable[str], inventory: Inventory) -> frozenset[str]:
    """The words, each of which names a container; raises ``UsageError`` with the containers there are."""
    given = frozenset(words)
    if unknown := sorted(given.difference(inventory.names)):
        there = ", ".join(sorted(inventory.names))
        raise UsageError(f"no container is called {', '.join(unknown)}", hint=f"there are: {there}")
    return given
