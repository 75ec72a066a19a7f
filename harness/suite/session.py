"""What one process of a run holds: the run, and stages and workspace opened when first needed."""

from __future__ import annotations

from typing import Protocol, cast

import pytest

from harness.suite.run import Run
from harness.suite.stages_api import Stages

_REAL = "harness.suite.real"


class Closing(Protocol):
    """Something that holds connections."""

    def close(self) -> None: ...


class Session:
    """Lazy on purpose: the controller of a parallel run never opens a connection."""

    def __init__(self, run: Run, config: pytest.Config) -> None:
        self.run = run
        self._config = config
        self._stages: Stages | None = None
        self._workspace: Closing | None = None
        config.stash[_KEY] = self

    @staticmethod
    def of(config: pytest.Config) -> Session:
        """The session of this process."""
        return config.stash[_KEY]

    @property
    def stages(self) -> Stages:
        """The stages, opened on first use."""
        if self._stages is None:
            self._stages = cast("Stages", self._ask("pytest_gitops_stages"))
        return self._stages

    @property
    def workspace(self) -> Closing:
        """The workspace, opened on first use."""
        if self._workspace is None:
            self._workspace = cast("Closing", self._ask("pytest_gitops_workspace"))
        return self._workspace

    def _ask(self, hook: str) -> object:
        """The real ones are loaded only now: a controller, and a test with fakes, need none of what they import."""
        answer: object = getattr(self._config.hook, hook)(run=self.run, config=self._config)
        if answer is None:
            self._config.pluginmanager.import_plugin(_REAL)
            answer = getattr(self._config.hook, hook)(run=self.run, config=self._config)
        return answer

    def close(self) -> None:
        """Give back what was opened."""
        for opened in (self._stages, self._workspace):
            if opened is not None:
                opened.close()
        self._stages = self._workspace = None


_KEY = pytest.StashKey[Session]()
