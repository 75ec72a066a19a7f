"""``local/config.json`` and the ``GITOPS_…`` variables become ``Settings``, checked as a whole."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from harness.config import json_lines, share, suggest
from harness.config.origin import Origin
from harness.config.settings import (
    GITEA,
    ControlPlaneSettings,
    EmbeddedSettings,
    GiteaSettings,
    ProxmoxSettings,
    Settings,
)
from harness.config.settings_keys import ALIASES, SETTINGS, Setting
from harness.config.values import MalformedError
from harness.kit.errors import ConfigurationError, Problem
from harness.kit.secret import MASK

FILE = Path("local/config.json")
TEMPLATE = Path("local/.config.json")
VARIABLE = "GITOPS_CONFIG"
"""Names another file than ``local/config.json``: a control plane's jobs work on checkouts that have none."""
HINT = f"start from {TEMPLATE}"


@dataclasses.dataclass(frozen=True, slots=True)
class _Given:
    """A value before it is checked."""

    value: Any
    origin: Origin


def load_settings(root: Path, environ: Mapping[str, str]) -> Settings:
    """The settings of the repository at ``root``; a variable wins over the file, both over the defaults.

    What was handed over to a control plane may come from a newer harness than the one that reads it (the check of a
    pull request runs what is released): there, and only there, a setting that is not known is noted and left out.
    Raises ``ConfigurationError`` with every problem.
    """
    problems: list[Problem] = []
    notes: list[str] = []
    path = Path(environ[VARIABLE]).absolute() if environ.get(VARIABLE) else root / FILE
    given = _from_file(path, problems, notes if _handed_over(path, environ) else None)
    given.update(_from_environment(environ))
    checked = _convert(given, problems)
    problems.extend(_contradictions(checked, given))
    if problems:
        raise ConfigurationError(sorted(problems, key=lambda problem: problem.line or 0))
    origins = {name: entry.origin for name, entry in given.items()}
    settings = _settings(checked, origins, path if path.is_file() else None, notes)
    return settings.on_embedded_node() if settings.embedded_target else settings


def _handed_over(path: Path, environ: Mapping[str, str]) -> bool:
    """Whether the file lies where a hand-over puts it: in the share directory, where no person keeps settings."""
    place = environ.get(share.VARIABLE)
    return bool(place) and path.parent == Path(str(place)).absolute()


def _settings(
    checked: Mapping[str, Any], origins: Mapping[str, Origin], file: Path | None, notes: Iterable[str]
) -> Settings:
    proxmox = _section("proxmox.", checked)
    if "node" in proxmox:
        proxmox["nodes"] = proxmox.pop("node")
    top = {name: value for name, value in checked.items() if "." not in name}
    return Settings(
        proxmox=ProxmoxSettings(**proxmox),
        embedded=EmbeddedSettings(**_section("embedded.", checked)),
        control_plane=ControlPlaneSettings(**_section("control_plane.", checked)),
        gitea=GiteaSettings(**_section("gitea.", checked)),
        file=file,
        origins=dict(origins),
        notes=(*notes, *_notes(checked)),
        **top,
    )


def _section(prefix: str, checked: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in checked.items() if name.startswith(prefix)}


def _notes(checked: Mapping[str, Any]) -> Iterator[str]:
    if "proxmox.password" in checked and "proxmox.token" in checked:
        yield "proxmox.password and proxmox.token are both set: the password is used, because a token may do less"


def _from_file(path: Path, problems: list[Problem], unknown: list[str] | None) -> dict[str, _Given]:
    """What the file says. ``unknown`` takes notes of settings that are not known; without it they are problems."""
    if not path.is_file():
        return {}
    problems.extend(_exposed(path))
    try:
        found = json_lines.members(path.read_bytes().decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        problems.append(Problem(FILE, error.lineno, f"column {error.colno}: {error.msg}", "the file is JSON", HINT))
    except UnicodeDecodeError:
        problems.append(Problem(FILE, None, "bytes that are not UTF-8", "the file is UTF-8 text", HINT))
    except TypeError:
        problems.append(Problem(FILE, 1, "not an object", "the file is one JSON object", HINT))
    except OSError as error:
        problems.append(Problem(FILE, None, "cannot be read", error.strerror or str(error), HINT))
    else:
        return _known(found, problems, unknown)
    return {}


def _exposed(path: Path) -> Iterator[Problem]:
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        rule = "the file holds passwords: nobody but its owner may read it (mode 0600)"
        yield Problem(FILE, None, f"mode {mode:04o}", rule, f"type: chmod 600 {FILE}")


def _known(found: list[json_lines.Member], problems: list[Problem], unknown: list[str] | None) -> dict[str, _Given]:
    """The members that are settings; an empty text or null means *not set*."""
    given: dict[str, _Given] = {}
    for member in found:
        name = ALIASES.get(member.key, member.key)
        if name not in SETTINGS:
            if unknown is not None and member.key not in _sections():
                unknown.append(f"{member.key} is a setting that this version of the harness does not know: left out")
            else:
                problems.extend(_unknown(member))
            continue
        if name in given:
            rule = f"{name} is already set in line {given[name].origin.line}"
            problems.append(Problem(FILE, member.line, member.key, rule, "keep one of the two"))
        elif member.value not in ("", None, []):
            given[name] = _Given(member.value, Origin(str(FILE), FILE, member.line))
    return given


def _unknown(member: json_lines.Member) -> Iterator[Problem]:
    if member.key in _sections():
        if member.value != {}:
            rule = f"{member.key} is a group of settings: an object in braces"
            yield Problem(FILE, member.line, member.key, rule, "write it as docs/configuration.md shows")
        return
    hint = suggest.did_you_mean(member.key, [*SETTINGS, *ALIASES], "docs/configuration.md lists all settings")
    yield Problem(FILE, member.line, member.key, "unknown setting", hint)


def _sections() -> frozenset[str]:
    """Names of the groups of settings."""
    return frozenset(name.split(".")[0] for name in SETTINGS if "." in name)


def _from_environment(environ: Mapping[str, str]) -> dict[str, _Given]:
    return {
        setting.name: _Given(environ[setting.variable], Origin(f"environment {setting.variable}"))
        for setting in SETTINGS.values()
        if environ.get(setting.variable)
    }


def _convert(given: Mapping[str, _Given], problems: list[Problem]) -> dict[str, Any]:
    checked: dict[str, Any] = {}
    for name, entry in given.items():
        try:
            checked[name] = SETTINGS[name].convert(entry.value)
        except MalformedError as error:
            problems.append(_malformed(SETTINGS[name], entry, error))
    return checked


def _malformed(setting: Setting, entry: _Given, error: MalformedError) -> Problem:
    shown = MASK if setting.secret else json.dumps(entry.value, ensure_ascii=False)
    return _at(
        entry, f"{setting.name} is {shown}", error.rule or setting.rule, error.hint or f"such as {setting.example}"
    )


def _at(entry: _Given, found: str, rule: str, hint: str = "") -> Problem:
    origin = entry.origin
    if origin.file is None:
        found = f"{origin}: {found}"
    return Problem(origin.file, origin.line, found, rule, hint)


def _contradictions(checked: Mapping[str, Any], given: Mapping[str, _Given]) -> Iterator[Problem]:
    """What no single setting shows: half a token, a host without credentials, a gateway that is no host address."""
    for one, other in (("proxmox.token", "proxmox.secret"), ("proxmox.secret", "proxmox.token")):
        if one in given and other not in given and "proxmox.password" not in given:
            yield _at(given[one], f"{one} without {other}", "a token is its name and its secret", f"set {other}")
    if "proxmox.host" in given and not given.keys() & {"proxmox.password", "proxmox.token", "proxmox.secret"}:
        rule = "a host needs proxmox.password, or proxmox.token and proxmox.secret"
        yield _at(given["proxmox.host"], "no credentials", rule, "the root@pam password can do everything")
    if checked.get("forge") == GITEA:
        for name in ("gitea.sha256", "gitea.runner_sha256"):
            if name not in given:
                rule = "releases are run only when they are the ones that were meant"
                yield _at(given["forge"], f"no {name}", rule, f"set {name}: docs/gitea.md says where it stands")
    yield from _gateway_problems(checked, given)


def _gateway_problems(checked: Mapping[str, Any], given: Mapping[str, _Given]) -> Iterator[Problem]:
    gateway = checked.get("proxmox.gateway")
    if gateway is None:
        return
    mask = checked.get("proxmox.mask", ProxmoxSettings().mask)
    network = IPv4Network((int(gateway), mask), strict=False)
    if gateway in (network.network_address, network.broadcast_address):
        rule = f"a host address of {network}, not its network or broadcast address"
        yield _at(given["proxmox.gateway"], f"proxmox.gateway is {gateway}", rule, "your router's address")
