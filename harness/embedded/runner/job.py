"""One task from its first step to its conclusion."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any

from harness.embedded.runner import command_files, environment, expressions
from harness.embedded.runner.command_files import CommandFileError, CommandFiles
from harness.embedded.runner.environment import Host
from harness.embedded.runner.expressions import ExpressionError
from harness.embedded.runner.halt import Halt, Level
from harness.embedded.runner.lines import Lines
from harness.embedded.runner.masks import Masks
from harness.embedded.runner.progress import Progress
from harness.embedded.runner.protocol import Conclusion, Step, StepState, Task
from harness.embedded.runner.shell import Command, Ended, Why, execute
from harness.embedded.runner.spool import SpoolError, TaskSpool
from harness.embedded.runner.workspace import Workspace
from harness.kit.clock import Deadline
from harness.kit.errors import DeadlineError

_log = logging.getLogger(__name__)
_SHELLS = {
    "": ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail"),
    "bash": ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail"),
    "sh": ("sh", "-e"),
}
CLEANUP_SECONDS = 300.0  # for steps that run "always" after a cancellation, as on GitHub


class StepError(Exception):
    """A step cannot be run; the message is for its log."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds between SIGTERM and SIGKILL, and for what runs after a cancellation."""

    grace: float = 10.0
    cleanup: float = CLEANUP_SECONDS


class JobRun:
    """Runs the steps of ``task`` in ``workspace``; the spool hears of everything."""

    def __init__(
        self,
        task: Task,
        *,
        host: Host,
        workspace: Workspace,
        spool: TaskSpool,
        halt: Halt,
        limits: Limits | None = None,
    ) -> None:
        self.task = task
        self.workspace = workspace
        self.spool = spool
        self.halt = halt
        self.limits = limits or Limits()
        self.masks = Masks(task.secrets)
        self.progress = Progress(task, host, workspace, halt)
        self.deadline = Deadline(task.timeout)
        self._cleanup: Deadline | None = None
        self._cut = Level.GO_ON  # what has really ended or prevented a step
        self._base = environment.variables(task, host, workspace, spool.state.mark)

    def run(self) -> Conclusion:
        """To the end; never raises for what a job can do wrong."""
        try:
            self.workspace.write_event(self.task)
            self.progress.env = self.progress.evaluated(self.task.env)
            for step in self.task.steps:
                self._step(step)
        except (OSError, SpoolError, StepError, ExpressionError, DeadlineError) as wrong:
            self._tell(f"Error: {self._words(wrong)}")
            self.progress.failed = True
        return self._conclude()

    def _conclude(self) -> Conclusion:
        conclusion = self._conclusion()
        try:
            outputs = self.progress.evaluated(self.task.outputs)
        except ExpressionError as wrong:
            self._tell(f"Error: outputs: {wrong}")
            outputs, conclusion = {}, Conclusion.FAILURE
        shown = {name: value for name, value in outputs.items() if self.masks.hide(value) == value}
        self.spool.conclude(conclusion, shown, self.masks.hide("\n".join(self.progress.summary)))
        return conclusion

    def _conclusion(self) -> Conclusion:
        if self._cut:
            return Conclusion.CANCELLED if self._cut == Level.CANCEL else Conclusion.INTERRUPTED
        return Conclusion.FAILURE if self.progress.failed else Conclusion.SUCCESS

    def _tell(self, line: str) -> None:
        self.spool.note(self.masks.hide(line))

    def _words(self, wrong: Exception) -> str:
        return f"{wrong.strerror}: {wrong.filename}" if isinstance(wrong, OSError) and wrong.filename else str(wrong)

    def _step(self, step: Step) -> None:
        begun = StepState(step.number, self._title(step), "running", None, time.time(), None, self.spool.lines)
        conclusion = outcome = Conclusion.SKIPPED
        if self._wanted(step, begun):
            self.spool.step(begun)
            outcome = self._outcome(step)
            passes = outcome is Conclusion.FAILURE and step.may_fail
            conclusion = Conclusion.SUCCESS if passes else outcome
        self.progress.failed |= conclusion is Conclusion.FAILURE
        self._note_result(step, outcome, conclusion)
        ended = StepState(
            begun.number, begun.name, "completed", conclusion, begun.started, time.time(), begun.first_line
        )
        self.spool.step(ended)

    def _title(self, step: Step) -> str:
        try:
            return self.masks.hide(expressions.fill(step.name, self.progress.scope()))
        except ExpressionError:
            return step.name

    def _wanted(self, step: Step, begun: StepState) -> bool:
        """Whether the step runs; a condition that cannot be read fails the job with the step begun."""
        self._cut = self.halt.level
        if self._cut >= Level.INTERRUPT or self.deadline.passed:
            return False
        try:
            return expressions.holds(step.condition, self.progress.scope())
        except ExpressionError as wrong:
            self.spool.step(begun)
            raise StepError(f"if: {wrong}") from wrong

    def _outcome(self, step: Step) -> Conclusion:
        try:
            ended = self._execute(step)
        except (StepError, ExpressionError, CommandFileError, OSError) as wrong:
            self._tell(f"Error: {self._words(wrong)}")
            return Conclusion.FAILURE
        return self._judge(step, ended)

    def _judge(self, step: Step, ended: Ended) -> Conclusion:
        if ended.why is Why.HALT:
            self._cut = self.halt.level
            self._tell("cancelled" if self._cut == Level.CANCEL else "interrupted: the runner is being stopped")
            return Conclusion.CANCELLED
        if ended.why is Why.TIMEOUT:
            seconds = self.task.timeout if self.deadline.passed else step.timeout or self.limits.cleanup
            self._tell(f"Error: the time limit of {_minutes(seconds)} has passed")
            return Conclusion.FAILURE
        if ended.code:
            self._tell(f"Error: exit code {ended.code}")
        return Conclusion.FAILURE if ended.code else Conclusion.SUCCESS

    def _execute(self, step: Step) -> Ended:
        env = {**self.progress.env, **self.progress.evaluated(step.env)}
        where = self.progress.scope(env)
        if step.shell not in _SHELLS:
            raise StepError(f"shell: {step.shell} is not one of bash, sh")
        script = self.workspace.write_script(step.number, expressions.fill(step.run, where))
        told = CommandFiles.make(self.workspace.temp, step.number)
        command = Command(
            argv=(*_SHELLS[step.shell], str(script)),
            directory=self.workspace.files / expressions.fill(step.directory, where),
            environment={**self._base, **self._search_path(), **env, **_both(told.variables())},
            deadline=self._deadline(step),
            mark=self.spool.state.mark,
            tolerated=Level.CANCEL if self.halt.level == Level.CANCEL else Level.GO_ON,
            grace=self.limits.grace,
        )
        ended = execute(command, Lines(self.masks, self.spool.write), self.halt)
        self._take(step, told)
        return ended

    def _search_path(self) -> dict[str, str]:
        return {"PATH": ":".join([*reversed(self.progress.path), self._base["PATH"]])}

    def _deadline(self, step: Step) -> Deadline:
        """The nearest of the job's, the step's and, after a cancellation, that of what is still to be done."""
        seconds = [self.deadline.remaining, *([step.timeout] if step.timeout else [])]
        if self.halt.level == Level.CANCEL:
            self._cleanup = self._cleanup or Deadline(self.limits.cleanup)
            seconds.append(self._cleanup.remaining)
        return Deadline(min(seconds))

    def _take(self, step: Step, told: CommandFiles) -> None:
        """What the step has written to its files."""
        self.progress.env |= command_files.read_values(told.env)
        self.progress.path += [line for line in command_files.read(told.path).splitlines() if line.strip()]
        summary = command_files.read(told.summary).strip()
        self.progress.summary += [summary] if summary else []
        if step.key:
            self.progress.results[step.key] = {"outputs": command_files.read_values(told.output)}

    def _note_result(self, step: Step, outcome: Conclusion, conclusion: Conclusion) -> None:
        if step.key:
            result = self.progress.results.setdefault(step.key, {"outputs": {}})
            result |= {"outcome": str(outcome), "conclusion": str(conclusion)}


def _both(variables: Any) -> dict[str, str]:
    """Under the names of both GitHub and Gitea."""
    return {**variables, **{name.replace("GITHUB_", "GITEA_", 1): value for name, value in variables.items()}}


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 60 and seconds != 60 else f"{seconds:g} s"
