"""``down``: stop the local control plane and the embedded node of this checkout, and delete what stands on that node.

Never touches a Proxmox VE host. Works without a readable configuration: what is to go is found by what is kept of it.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.cli import arguments, console, session, trial
from harness.config.settings import EmbeddedSettings, Settings
from harness.config.settings_file import load_settings
from harness.config.share import Share
from harness.controlplane import container as control_plane
from harness.controlplane.container import Place
from harness.controlplane.luggage import merge_keys
from harness.embedded import launch
from harness.embedded.engine import client as engine
from harness.kit.errors import ConfigurationError, ExitCode, UsageError
from harness.lifecycle import local_plane

EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class Site:
    """What this checkout has on this machine. ``base`` holds the state of all targets."""

    base: Path
    instances: tuple[str, ...]
    """Names that the embedded node and the control plane may have: as configured now, and as last started."""
    host: str | None = None
    """Target directory of a Proxmox VE host that runs go to; None: the embedded node, or not known."""

    @property
    def share(self) -> Path:
        """State of the embedded node as a target."""
        return self.base / EMBEDDED

    @property
    def node(self) -> Path:
        """State of the node itself."""
        return self.share / "node"

    @property
    def places(self) -> tuple[Place, ...]:
        """The control planes; none when this checkout never had one."""
        found = (Place.of(self.base, name) for name in self.instances)
        return tuple(place for place in found if place.state.is_dir())


class Hands(Protocol):
    """What is done to the engine."""

    def stop_plane(self, place: Place) -> bool:
        """Stop a control plane and take it off the node's bridge; whether it ran."""

    def destroy_plane(self, place: Place) -> None:
        """Remove a control plane with its data and images."""

    def keep_keys(self, site: Site) -> None:
        """Fetch the keys of a real host's containers that the control plane alone has."""

    def destroy_node(self, state: Path, *, images: bool) -> None:
        """Remove the node with all its containers and networks."""


class Docker:
    """The hands that work on this machine's engine."""

    def stop_plane(self, place: Place) -> bool:
        """See ``Hands``. Where this checkout never had one, no engine is asked."""
        return place.state.is_dir() and local_plane.stop(place)

    def destroy_plane(self, place: Place) -> None:
        """See ``Hands``."""
        if place.state.is_dir():
            local_plane.destroy(place, data=True)

    def keep_keys(self, site: Site) -> None:
        """See ``Hands``."""
        places = [place for place in site.places if place.state.is_dir()]
        if site.host is None or not places:
            return
        with engine.opened() as client:
            for place in places:
                merge_keys(Share(site.base / site.host), control_plane.take_keys(client, place, site.host))

    def destroy_node(self, state: Path, *, images: bool) -> None:
        """See ``Hands``."""
        launch.destroy(state, images=images)


def add_parser(subparsers: arguments.Subparsers) -> argparse.ArgumentParser:
    """``down [--yes] [--all]``."""
    parser = arguments.command(
        subparsers,
        "down",
        "Stop the local control plane and the embedded node; delete the node's containers, after asking. "
        "Never touches a real PVE.",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--all",
        action="store_true",
        help="also remove the control plane's data (repositories, variables, history), images, keys, journals, logins",
    )
    return parser


def run(options: argparse.Namespace) -> int:
    """Exit code 0: it is down; 1: the answer was no."""
    root = session.root()
    site = survey(root, session.environment())
    doomed = losses(launch.guests(site.node), site, everything=options.all)
    if doomed and not options.yes and not confirm(doomed):
        console.say("nothing was deleted")
        return ExitCode.FAILED
    trial.remove_leftovers(root)
    take_down(site, Docker(), everything=options.all)
    return ExitCode.OK


def survey(root: Path, environ: Mapping[str, str]) -> Site:
    """What there may be of the checkout at ``root``."""
    base = session.state(root, environ)
    settings = _settings(root, environ)
    started = launch.name_of(base / EMBEDDED / "node")
    instances = dict.fromkeys(filter(None, (settings.embedded.name if settings else None, started)))
    host = None if settings is None or settings.embedded_target else settings.target
    return Site(base, tuple(instances) or (EmbeddedSettings().name,), host)


def _settings(root: Path, environ: Mapping[str, str]) -> Settings | None:
    """None when they cannot be read: then the names of what was started last count."""
    try:
        return load_settings(root, environ)
    except ConfigurationError as error:
        console.say(f"the settings cannot be read ({error.message}); going by what was started last")
        return None


def losses(containers: Iterable[str], site: Site, *, everything: bool) -> list[str]:
    """What will not come back, in words."""
    found = [f"the container {name} of the embedded node" for name in containers]
    if everything and site.places:
        found.append("the local control plane's repositories, variables and run history")
    return found


def take_down(site: Site, hands: Hands, *, everything: bool) -> None:
    """Control plane first: it stands on the node's network. With ``everything`` data, images and state go too."""
    if everything:
        hands.keep_keys(site)
    for place in site.places:
        if everything:
            hands.destroy_plane(place)
        elif hands.stop_plane(place):
            console.say("the local control plane is stopped; its data stays (./run local starts it, --all removes it)")
    had_node = site.node.exists()
    hands.destroy_node(site.node, images=everything)
    if everything:
        forget(site)
        console.say(f"control plane and embedded node are gone, with their images and their state in {site.base}")
    elif had_node:
        console.say("the embedded node is down; its containers are gone, its base image stays (--all removes it)")


def forget(site: Site) -> None:
    """Remove the state of what is gone; that of Proxmox VE hosts stays."""
    gone = {place.state for place in site.places} | {site.share, site.base / "wheels"}
    for directory in gone:
        if directory.exists():
            shutil.rmtree(directory)
    (site.base / "control-plane.lock").unlink(missing_ok=True)


def confirm(doomed: Iterable[str], ask: Callable[[str], str] = input) -> bool:
    """Whether the user wants to lose these.

    Raises ``UsageError`` where nobody can answer.
    """
    if not sys.stdin.isatty() and ask is input:
        raise UsageError("nobody is there to confirm the deletion", hint="./run down -- --yes")
    listed = "\n".join(f"  {one}" for one in doomed)
    return ask(f"this deletes\n{listed}\nreally? [y/N] ").strip().lower() in ("y", "yes")
