"""From files to an inventory: everything is read and checked before anything is reported, and all of it at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from harness.config import suggest
from harness.config.cascade import LOCAL
from harness.config.settings import Settings
from harness.inventory import addressing, needs, unique
from harness.inventory import draft as drafting
from harness.inventory.addressing import Address
from harness.inventory.draft import Draft
from harness.inventory.model import Container, Inventory
from harness.inventory.network import NetworkFacts
from harness.kit.errors import ConfigurationError, Problem, Severity

_STAGE = re.compile(r"[a-z][a-z0-9-]{0,30}")


def load_inventory(
    root: Path,
    settings: Settings,
    *,
    stage: str | None = None,
    network_facts: NetworkFacts | None = None,
    remembered: Mapping[str, str] | None = None,
) -> Inventory:
    """The containers of ``root``, or of ``stage``: those that have a ``config.<stage>.env``.

    ``network_facts`` None means that the machine was not asked; a remembered network is then used as it is. Raises
    ``ConfigurationError`` with every problem of every file.
    """
    found, problems = drafting.discover(root)
    production = [drafting.read(name, directory, root, settings) for name, directory in found]
    staged = _staged(found, root, settings, stage, problems)
    everything = [*production, *staged]
    drafts = staged if stage is not None else production
    unique.check(everything)
    for draft in drafts:
        _check_node(draft, settings)
    ordered = needs.order(drafts, [draft.name for draft in production if not draft.is_control_plane])
    addresses = addressing.resolve(drafts, everything, settings, network_facts or NetworkFacts(), remembered or {})
    warnings = _raise_errors(everything, problems)
    warnings.extend(warning for draft in ordered for warning in drafting.advice(draft))
    return Inventory(
        containers=tuple(_container(draft, addresses.by_name[draft.name], settings, ordered) for draft in ordered),
        warnings=tuple(warnings),
        notices=addresses.notices,
        bridge=addresses.bridge,
        networks=addresses.networks,
    )


def _staged(
    found: Iterable[tuple[str, Path]],
    root: Path,
    settings: Settings,
    stage: str | None,
    problems: list[Problem],
) -> list[Draft]:
    if stage is None:
        return []
    if stage == LOCAL or not _STAGE.fullmatch(stage):
        rule = "a stage is 1 to 31 lower-case letters, digits and hyphens, a letter first, and not local"
        problems.append(Problem(None, None, f"stage {stage}", rule, "such as --stage stage"))
        return []
    name = f"config.{stage}.env"
    staged = [
        drafting.read(library, directory, root, settings, stage)
        for library, directory in found
        if (directory / name).is_file()
    ]
    if not staged:
        problems.append(_no_such_stage(root, stage))
    return staged


def _no_such_stage(root: Path, stage: str) -> Problem:
    paths = (*root.glob("config.*.env"), *root.glob("libs/*/config.*.env"))
    known = {path.name.split(".")[1] for path in paths} - {LOCAL}
    hint = suggest.did_you_mean(stage, known, f"write libs/<name>/config.{stage}.env with an ID and IP of its own")
    return Problem(None, None, f"stage {stage}", f"no container has a config.{stage}.env", hint)


def _check_node(draft: Draft, settings: Settings) -> None:
    node = draft.parsed.get("NODE")
    if node is not None and node not in settings.proxmox.nodes:
        known = ", ".join(settings.proxmox.nodes)
        hint = suggest.did_you_mean(node, settings.proxmox.nodes, "add it to proxmox.node in local/config.json")
        draft.report("NODE", f"not among the nodes of proxmox.node: {known}", hint)


def _raise_errors(drafts: Sequence[Draft], problems: list[Problem]) -> list[Problem]:
    """Raise all errors in the order of files and lines; return the warnings when there are none."""
    found = [*problems, *(problem for draft in drafts for problem in draft.problems)]
    distinct = list(dict.fromkeys(found))  # a stage reads the same config.env again
    errors = [problem for problem in distinct if problem.severity is Severity.ERROR]
    if errors:
        raise ConfigurationError(sorted(errors, key=lambda problem: (str(problem.file or ""), problem.line or 0)))
    return distinct


def _container(draft: Draft, address: Address, settings: Settings, ordered: Iterable[Draft]) -> Container:
    values = draft.parsed
    names = {other.name for other in ordered}
    return Container(
        name=draft.name,
        directory=draft.directory,
        hostname=values["HOSTNAME"],
        vmid=values["ID"],
        address=address.resolved,
        declared_address=address.declared,
        gateway=address.gateway,
        node=values["NODE"],
        bridge=settings.proxmox.bridge,
        interface=settings.proxmox.interface,
        cores=values["CORES"],
        memory=values["MEMORY"],
        swap=values["SWAP"],
        disk=values["DISK"],
        onboot=values["BOOT"],
        mounts=values["MOUNT"],
        needs=tuple(need for need in values["NEEDS"] if need in names),
        unprivileged=values["UNPRIVILEGED"],
        features=values["FEATURES"],
        nameserver=values["NAMESERVER"],
        searchdomain=values["SEARCHDOMAIN"],
        startup=values["STARTUP"],
        tags=values["TAGS"],
        engine=values["ENGINE"],
        ostemplate=values["OSTEMPLATE"],
        stage=draft.stage,
        origins={key: value.origin for key, value in draft.texts.items()},
    )
