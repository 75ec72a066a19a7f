"""``config.env`` as a test file: its items are the stages that the plan has for that container."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.kit.errors import HarnessError
from harness.lifecycle.evidence import Evidence
from harness.suite import names, present
from harness.suite.names import Stage
from harness.suite.session import Session

EVIDENCE = pytest.StashKey[Evidence]()


class ConfigFile(pytest.File):
    """A container's ``config.env``."""

    def collect(self) -> Iterator[pytest.Item]:
        """The container's stages, in order."""
        container = names.container_of(self.nodeid)
        session = Session.of(self.config)
        for stage in session.run.stages(container or ""):
            yield StageItem.from_parent(self, name=stage.value)


class StageItem(pytest.Item):
    """One stage of one container."""

    @property
    def stage(self) -> Stage:
        """Which stage this is."""
        return Stage(self.name)

    @property
    def container(self) -> str:
        """Which container it is for."""
        return names.container_of(self.nodeid) or ""

    def runtest(self) -> None:
        """Do it. The evidence stays with the item, for the journal."""
        stages = Session.of(self.config).stages
        work = getattr(stages, self.stage.value)
        self.stash[EVIDENCE] = work(self.container)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:  # noqa: ARG002
        """What went wrong in words; a traceback only for errors that nobody meant a person to read."""
        if isinstance(excinfo.value, HarnessError):
            return present.error_text(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """File and headline for reports."""
        return self.path, None, f"{self.container}: {self.stage}"


def closing_item(session: pytest.Session, run_root: Path, container: str) -> pytest.Item:
    """The item without consequence that ends a group, for a group whose own was deselected or not collected."""
    path = run_root / names.config_of(container)
    file = ConfigFile.from_parent(session, path=path)
    item: pytest.Item = StageItem.from_parent(file, name=Stage.END.value)
    return item
