"""What the inventory makes of a repository. Each case is a small file, ``cases/inventory/<behaviour>.txt``.

Sections start with ``== <name>``: a path is a file of the repository; ``settings`` is local/config.json; ``load`` holds
arguments as JSON (stage, taken, resolvers, remembered); ``expect`` is what comes out, one line a problem, or a line a
container. A config.env gets the required keys it lacks (HOSTNAME from its folder), and a repository without a root
config.env gets one, unless the case has an empty section ``bare``.
"""

from __future__ import annotations

import json
import re
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from harness.config.settings_file import FILE, load_settings
from harness.inventory.load import load_inventory
from harness.inventory.model import Inventory
from harness.inventory.network import NetworkFacts
from harness.kit.errors import ConfigurationError, Problem

CASES = sorted((Path(__file__).parent / "cases" / "inventory").glob("*.txt"))
_REQUIRED = {"CORES": "1", "MEMORY": "512", "DISK": "local-lvm:8"}


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_case_comes_out_as_its_file_says(path: Path, tmp_path: Path) -> None:
    sections = read(path)
    assert outcome(sections, tmp_path) == sections["expect"]


def read(path: Path) -> dict[str, str]:
    """The sections of a case by name."""
    found = re.split(r"^== (.+)\n", path.read_text(), flags=re.MULTILINE)[1:]
    return dict(zip(found[::2], found[1::2], strict=True))


def outcome(sections: dict[str, str], root: Path) -> str:
    """Lay the case out below ``root``, load it, and say what came of it."""
    lay_out(sections, root)
    try:
        return describe(load(sections, root))
    except ConfigurationError as error:
        return "".join(f"{problem}\n" for problem in error.problems)


def load(sections: dict[str, str], root: Path) -> Inventory:
    """The inventory of a case that is laid out already."""
    asked = json.loads(sections.get("load", "{}"))
    facts = None
    if "taken" in asked or "resolvers" in asked:
        taken = tuple(map(IPv4Network, asked.get("taken", ())))
        facts = NetworkFacts(taken, tuple(map(IPv4Address, asked.get("resolvers", ()))))
    return load_inventory(
        root,
        load_settings(root, {}),
        stage=asked.get("stage"),
        network_facts=facts,
        remembered=asked.get("remembered", {}),
    )


def lay_out(sections: dict[str, str], root: Path) -> None:
    """Write the case's files."""
    files = {name: text for name, text in sections.items() if "/" in name or name.endswith(".env")}
    if "bare" not in sections:
        files.setdefault("config.env", "IP=10.143.0.10\nID=110\n")
        files = {name: _completed(name, text) for name, text in files.items()}
    for name, text in files.items():
        write(root / name, text)
    if "settings" in sections:
        write(root / FILE, sections["settings"], mode=0o600)


def write(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write ``path``, its directories too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def describe(inventory: Inventory) -> str:
    """The containers in order, then the notices."""
    lines = [
        f"{of.name} {of.vmid} {of.hostname} {of.declared_address} {of.address} via {of.gateway} on {of.node}"
        for of in inventory.containers
    ]
    return "".join(f"{line}\n" for line in (*lines, *(f"notice: {text}" for text in inventory.notices)))


def _completed(name: str, text: str) -> str:
    """``text`` with the required keys that it lacks, after its own lines so that their numbers stay."""
    path = Path(name)
    if path.name != "config.env":
        return text
    required = {"HOSTNAME": path.parent.name or "config", **_REQUIRED}
    missing = (f"{key}={value}\n" for key, value in required.items() if not re.search(rf"^{key}=", text, re.MULTILINE))
    return text + "".join(missing)


def problems(sections: dict[str, str], root: Path) -> tuple[Problem, ...]:
    """What is wrong with a case; empty for one that loads."""
    lay_out(sections, root)
    try:
        load(sections, root)
    except ConfigurationError as error:
        return error.problems
    return ()


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_every_problem_carries_a_hint(path: Path, tmp_path: Path) -> None:
    assert [str(problem) for problem in problems(read(path), tmp_path) if not problem.hint] == []
