"""Node ids of the suite: which container an item belongs to and what it is called in the journal. Pure."""

from __future__ import annotations

from enum import StrEnum

from harness.inventory.model import CONTROL_PLANE, CONTROL_PLANE_HOME

CONFIG_FILE = "config.env"
LIBRARIES = "libs"


class Stage(StrEnum):
    """The items that a ``config.env`` gives, in their order; specs come between ``idempotence`` and ``release``."""

    PROVISION = "provision"
    BASE = "base"
    CONVERGE = "converge"
    IDEMPOTENCE = "idempotence"
    RELEASE = "release"
    END = "end"


SPECS = "specs"
_BEFORE_SPECS = (Stage.PROVISION, Stage.BASE, Stage.CONVERGE, Stage.IDEMPOTENCE)
_AFTER_SPECS = (Stage.RELEASE, Stage.END)


def container_of(nodeid: str) -> str | None:
    """The container an item belongs to: ``libs/<name>/…`` → ``<name>``.

    The control plane, ``config``, has its config.env in the root and its specs in the harness.
    """
    path = nodeid.split("::", 1)[0]
    parts = path.split("/")
    if len(parts) > 2 and parts[0] == LIBRARIES:
        return parts[1]
    return CONTROL_PLANE if path == CONFIG_FILE or path.startswith(f"{folder_of(CONTROL_PLANE)}/") else None


def folder_of(container: str) -> str:
    """The folder that holds a container's specs, relative to the repository."""
    return CONTROL_PLANE_HOME.as_posix() if container == CONTROL_PLANE else f"{LIBRARIES}/{container}"


def config_of(container: str) -> str:
    """A container's ``config.env``, relative to the repository."""
    return CONFIG_FILE if container == CONTROL_PLANE else f"{LIBRARIES}/{container}/{CONFIG_FILE}"


def stage_of(nodeid: str) -> Stage | None:
    """The stage an item is, or None for a spec."""
    path, _, name = nodeid.partition("::")
    if path.rsplit("/", 1)[-1] != CONFIG_FILE:
        return None
    return Stage(name)


def item_of(nodeid: str) -> str:
    """The item's name within its container, as the journal has it: ``converge``, ``specs/test_x.py::test_y``."""
    stage = stage_of(nodeid)
    if stage:
        return stage.value
    container = container_of(nodeid)
    return nodeid.removeprefix(f"{folder_of(container)}/") if container else nodeid


def position(nodeid: str) -> int:
    """Where an item stands within its group; specs all stand at the same place."""
    stage = stage_of(nodeid)
    if stage in _BEFORE_SPECS:
        return _BEFORE_SPECS.index(stage)
    if stage in _AFTER_SPECS:
        return len(_BEFORE_SPECS) + 1 + _AFTER_SPECS.index(stage)
    return len(_BEFORE_SPECS)


def place_of(item: str) -> tuple[int, str]:
    """Where an item stands within its group, by its name in the journal; specs by name among themselves."""
    stages = [stage.value for stage in Stage]
    return (stages.index(item) if item in stages[:4] else len(stages), item)


def step_of(item: str) -> str:
    """The step of an item name in the journal: the stage itself, or ``specs``."""
    return item if item in set(Stage) else SPECS
