"""Specs check a container, never the machine that pytest runs on."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from testinfra.host import Host

from harness.inventory.model import CONTROL_PLANE_HOME

LIBRARIES = "libs"
SPECS = "specs"
_LOCAL = "local"


def is_spec(item: pytest.Item) -> bool:
    """Whether ``item`` lies in ``libs/<name>/specs/``, or among the control plane's own specs."""
    path = PurePosixPath(item.nodeid.split("::", 1)[0])
    if path.is_relative_to((CONTROL_PLANE_HOME / SPECS).as_posix()):
        return True
    parts = path.parts
    return LIBRARIES in parts and SPECS in parts[parts.index(LIBRARIES) :]


def local_hosts(item: pytest.Item) -> list[str]:
    """Names of the fixtures of ``item`` that are a testinfra host on this machine."""
    values = getattr(item, "funcargs", {}).items()
    return [name for name, value in values if isinstance(value, Host) and _is_local(value)]


def _is_local(host: Host) -> bool:
    return bool(host.backend.get_connection_type() == _LOCAL)


def refuse_local(item: pytest.Item) -> None:
    """Fail ``item`` when it is a spec with a local host."""
    names = local_hosts(item) if is_spec(item) else []
    if names:
        pytest.fail(
            f"{', '.join(names)}: this is the machine that pytest runs on, not the container; "
            "load the suite's plugin with pytest_plugins in the root conftest.py, not with -p",
            pytrace=False,
        )
