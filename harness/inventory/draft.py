"""One container while it is being read: its texts, the values they became, and what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.config import cascade, suggest
from harness.config.cascade import Value
from harness.config.keys import KEYS
from harness.config.origin import DEFAULT, Origin
from harness.config.settings import Settings
from harness.config.values import MalformedError
from harness.inventory.fields import CONVERTERS
from harness.inventory.model import CONTROL_PLANE
from harness.kit.errors import Problem, Severity

_FOLDER = re.compile(r"[a-z][a-z0-9_-]{0,62}")
EMBEDDED_NODE = "pve"
STAGED = ("IP", "ID")
"""What a stage may not inherit."""


@dataclass(slots=True)
class Draft:
    """Values by key; a key whose value could not be read is missing from ``parsed``."""

    name: str
    directory: Path
    shown: Path
    """Its config.env as problems name it, relative to the repository."""
    stage: str | None
    texts: dict[str, Value]
    parsed: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def report(self, key: str, rule: str, hint: str = "") -> None:
        """Note that the value of ``key`` is wrong."""
        value = self.texts[key]
        self.problems.append(Problem(value.origin.file, value.origin.line, f"{key}={value.text}", rule, hint))

    def hint(self, key: str, hint: str) -> None:
        """Give the problem reported for the value of ``key``, or for its absence, this hint."""
        found = f"{key}={self.texts[key].text}" if key in self.texts else f"{key} is missing"
        self.problems = [replace(item, hint=hint) if item.found == found else item for item in self.problems]

    @property
    def label(self) -> str:
        """Its name, with the stage where it has one."""
        return self.name if self.stage is None else f"{self.stage}-{self.name}"

    @property
    def is_control_plane(self) -> bool:
        """Whether this is the root config.env's container."""
        return self.name == CONTROL_PLANE

    def place(self, key: str) -> str:
        """Where ``key`` was set, in words."""
        return str(self.texts[key].origin)


def discover(root: Path) -> tuple[list[tuple[str, Path]], list[Problem]]:
    """Name and directory of every container below ``root``, the control plane's own first, then by name."""
    problems: list[Problem] = []
    found = [(CONTROL_PLANE, root)] if (root / "config.env").is_file() else []
    if not found:
        rule = "the control plane's own container is described in the root"
        problems.append(_warning(Path("config.env"), "missing", rule, "write IP, ID, HOSTNAME, CORES, MEMORY, DISK"))
    for path in sorted((root / "libs").glob("*/config.env")):
        name = path.parent.name
        if _FOLDER.fullmatch(name) and name != CONTROL_PLANE:
            found.append((name, path.parent))
        else:
            problems.append(_bad_folder(path.relative_to(root), name))
    problems.extend(_forgotten(root))
    return found, problems


def _forgotten(root: Path) -> Iterator[Problem]:
    """Folders that look like libraries but describe no container."""
    for path in sorted((root / "libs").glob("*/")):
        if not (path / "config.env").exists() and ((path / "recipes").is_dir() or (path / "specs").is_dir()):
            shown = path.relative_to(root) / "config.env"
            rule = "a library without it is no container, and is not deployed"
            yield _warning(shown, "missing", rule, "write IP, ID, HOSTNAME, CORES, MEMORY, DISK")


def _bad_folder(shown: Path, name: str) -> Problem:
    if name == CONTROL_PLANE:
        return Problem(shown, None, f"library {name}", "this name is the control plane's own", "rename the folder")
    rule = "a library's folder is 1 to 63 lower-case letters, digits, - and _, a letter first"
    return Problem(shown, None, f"library {name}", rule, "rename the folder")


def read(name: str, directory: Path, root: Path, settings: Settings, stage: str | None = None) -> Draft:
    """Read one container's files and convert every value."""
    layered = cascade.read(directory, root, stage)
    shown = (directory / "config.env").relative_to(root)
    texts = {key: value for key, value in layered.values.items() if key in KEYS and value.text}
    draft = Draft(name, directory, shown, stage, texts, problems=list(layered.problems))
    draft.problems.extend(_unknown(layered.values))
    _apply_stage(draft)
    draft.problems.extend(_missing(draft))
    for key in KEYS.values():
        if not key.required and key.name not in texts:
            texts[key.name] = _default(key.name, settings)
    if settings.embedded_target:
        texts["NODE"] = Value(EMBEDDED_NODE, Origin("resolved: the embedded node has this name"))
    _convert(draft)
    return draft


def _unknown(values: dict[str, Value]) -> Iterator[Problem]:
    for key, value in values.items():
        if key not in KEYS:
            hint = suggest.did_you_mean(key, KEYS, "docs/configuration.md lists all keys")
            yield Problem(value.origin.file, value.origin.line, f"{key}={value.text}", "unknown key", hint)


def _missing(draft: Draft) -> Iterator[Problem]:
    for key in KEYS.values():
        staged = draft.stage is not None and key.name in STAGED
        if key.required and key.name not in draft.texts and not staged:
            example = draft.name.replace("_", "-") if key.name == "HOSTNAME" else key.example
            hint = f"add a line such as {key.name}={example}"
            yield Problem(draft.shown, None, f"{key.name} is missing", key.rule, hint)


def _apply_stage(draft: Draft) -> None:
    """A stage's container has an ID and an address of its own, and a hostname that says which stage it is."""
    if draft.stage is None:
        return
    name = f"config.{draft.stage}.env"
    shown = draft.shown.with_name(name)
    for key in STAGED:
        value = draft.texts.get(key)
        if value is None or value.origin.file != shown:
            rule = f"a stage's container has {key} of its own, beside that of {draft.shown}"
            draft.problems.append(Problem(shown, None, f"{key} is missing", rule, f"add {key}=… to {shown}"))
            draft.texts.pop(key, None)
    hostname = draft.texts.get("HOSTNAME")
    if hostname is None or hostname.origin.file != shown:
        origin = Origin(f"resolved: stage {draft.stage}")
        draft.texts["HOSTNAME"] = Value(f"{draft.stage}-{draft.name}".replace("_", "-"), origin)


def _default(name: str, settings: Settings) -> Value:
    key = KEYS[name]
    match key.default_setting:
        case "proxmox.node":
            text = settings.proxmox.nodes[0]
        case "proxmox.template":
            text = settings.proxmox.template
        case _:
            return Value(key.default or "", DEFAULT)
    return Value(text, settings.origins.get(key.default_setting, DEFAULT))


def _convert(draft: Draft) -> None:
    for key, value in draft.texts.items():
        try:
            draft.parsed[key] = CONVERTERS[key](value.text)
        except MalformedError as error:
            hint = error.hint or f"such as {key}={KEYS[key].example}"
            draft.report(key, error.rule or f"{key} is {KEYS[key].rule}", hint)


def advice(draft: Draft) -> Iterator[Problem]:
    """Warnings about a library that would deploy nothing, or prove nothing."""
    if draft.is_control_plane:
        return
    folder = draft.shown.parent
    if not (draft.directory / "recipes" / "default.rb").is_file():
        path = folder / "recipes" / "default.rb"
        rule = "without it nothing is installed beyond the base"
        hint = f"write {path}:\n  package 'apache2'\n  Common.application(self, 'apache2')"
        yield _warning(folder, "no recipe", rule, hint)
    if not any((draft.directory / "specs").glob("test_*.py")):
        path = folder / "specs" / f"test_{draft.name.replace('-', '_')}.py"
        rule = "without one nothing shows that the container does its work"
        hint = f"write {path}:\n  def test_it_runs(host):\n      assert host.service({draft.name!r}).is_running"
        yield _warning(folder, "no spec", rule, hint)


def _warning(file: Path, found: str, rule: str, hint: str) -> Problem:
    return Problem(file, None, found, rule, hint, Severity.WARNING)
