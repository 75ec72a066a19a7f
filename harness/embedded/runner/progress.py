"""What the steps so far have left for those after them, and what expressions see of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.embedded.runner import environment, expressions
from harness.embedded.runner.environment import Host
from harness.embedded.runner.expressions import Scope
from harness.embedded.runner.functions import Function
from harness.embedded.runner.halt import Halt, Level
from harness.embedded.runner.protocol import Conclusion, Task
from harness.embedded.runner.workspace import Workspace

_EMPTY: Mapping[str, Any] = {"vars": {}, "secrets": {}, "needs": {}, "inputs": {}}


@dataclass
class Progress:
    """Grows step by step; ``results`` is the ``steps`` context."""

    task: Task
    host: Host
    workspace: Workspace
    halt: Halt
    env: dict[str, str] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    summary: list[str] = field(default_factory=list)
    failed: bool = False

    @property
    def status(self) -> Conclusion:
        """As ``job.status`` and the status functions see it."""
        if self.halt.level != Level.GO_ON:
            return Conclusion.CANCELLED
        return Conclusion.FAILURE if self.failed else Conclusion.SUCCESS

    def scope(self, env: Mapping[str, str] | None = None) -> Scope:
        """Contexts and functions of this moment; ``env`` instead of the job's."""
        github = environment.github_context(self.task, self.workspace)
        contexts = {
            **_EMPTY,
            **self.task.contexts,
            "github": github,
            "gitea": github,
            "env": self.env if env is None else env,
            "steps": self.results,
            "job": {"status": str(self.status)},
            "runner": environment.runner_context(self.host, self.workspace),
        }
        return expressions.scope(contexts, _status_functions(self.status))

    def evaluated(self, values: Mapping[str, str]) -> dict[str, str]:
        """``values`` with their expressions filled in; raises ``ExpressionError``."""
        where = self.scope()
        return {name: expressions.fill(value, where) for name, value in values.items()}


def _status_functions(status: Conclusion) -> Mapping[str, Function]:
    return {
        "success": lambda: status is Conclusion.SUCCESS,
        "failure": lambda: status is Conclusion.FAILURE,
        "cancelled": lambda: status is Conclusion.CANCELLED,
        "always": lambda: True,
    }
