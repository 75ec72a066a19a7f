"""What one process of a run holds: the run, and stages and workspace opened when first needed."""

from __future__ import annotations

from typing import cast

import pytest

from harness.suite.run import Run
from harness.suite.stages_api import Stages

_KEY = pytest.StashKey["Session"]()


class Session:
    """Lazy on purpose: the controller of a parallel run never opens a connection."""

    def __init__(self, run: Run, config: pytest.Config) -> None:
        self.run = run
        self._config = config
        self._stages: Stages | None = None
        self._workspace: object | None = None
        config.stash[_KEY] = self

    @staticmethod
    def of(config: pytest.Config) -> Session:
        """The session of this process."""
        return config.stash[_KEY]

    @property
    def stages(self) -> Stages:
        """The stages, opened on first use."""
        if self._stages is None:
            self._stages = cast(Stages, self._config.hook.pytest_gitops_stages(run=self.run, config=self._config))
        return self._stages

    @property
    def workspace(self) -> object:
        """The workspace, opened on first use."""
        if self._workspace is None:
            self._workspace = self._config.hook.pytest_gitops_workspace(run=self.run, config=self._config)
        return self._workspace

    def close(self) -> None:
        """Give back what was opened."""
        if self._stages is not None:
            self._stages.close()
            self._stages = None
