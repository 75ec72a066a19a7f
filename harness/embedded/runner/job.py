"""One task from its first step to its conclusion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.embedded.runner import command_files, environment
from harness.embedded.runner.command_files import CommandFileError, CommandFiles
from harness.embedded.runner.environment import Host
from harness.embedded.runner.halt import Halt, Level
from harness.embedded.runner.lines import Lines
from harness.embedded.runner.masks import Masks
from harness.embedded.runner.protocol import Conclusion, Step, Task
from harness.embedded.runner.shell import Command, Ended, Why, execute
from harness.embedded.runner.spool import SpoolError, TaskSpool
from harness.embedded.runner.workspace import Workspace
from harness.kit.clock import Deadline
from harness.kit.errors import DeadlineError

_BASH = ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail")
_SHELLS: Mapping[str, tuple[str, ...]] = {"": _BASH, "bash": _BASH, "sh": ("sh", "-e")}
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
        self.masks = Masks(task.masks)
        self.deadline = Deadline(task.timeout)
        self._failed = False
        self._cut = Level.GO_ON  # what has really ended or prevented a step
        self._cleanup: Deadline | None = None
        self._env = environment.variables(task, host, workspace, spool.state.mark)

    def run(self) -> Conclusion:
        """To the end; never raises for what a job can do wrong."""
        try:
            self.workspace.write_event(self.task)
            for step in self.task.steps:
                self._step(step)
        except (OSError, SpoolError, DeadlineError) as wrong:
            self._tell_error(wrong)
            self._failed = True
        conclusion = self._conclusion()
        self.spool.conclude(conclusion)
        return conclusion

    def _conclusion(self) -> Conclusion:
        if self._cut:
            return Conclusion.CANCELLED if self._cut == Level.CANCEL else Conclusion.INTERRUPTED
        return Conclusion.FAILURE if self._failed else Conclusion.SUCCESS

    def _status(self) -> Conclusion:
        """How it went so far."""
        if self.halt.level != Level.GO_ON:
            return Conclusion.CANCELLED
        return Conclusion.FAILURE if self._failed else Conclusion.SUCCESS

    def _tell_error(self, wrong: Exception) -> None:
        words = f"{wrong.strerror}: {wrong.filename}" if isinstance(wrong, OSError) and wrong.filename else str(wrong)
        self.spool.note(self.masks.hide(f"Error: {words}"))

    def _step(self, step: Step) -> None:
        if not self._wanted(step):
            self.spool.end_step(step.number, Conclusion.SKIPPED)
            return
        self.spool.begin_step(step.number)
        conclusion = self._outcome(step)
        if conclusion is Conclusion.FAILURE and step.may_fail:
            conclusion = Conclusion.SUCCESS
        self._failed |= conclusion is Conclusion.FAILURE
        self.spool.end_step(step.number, conclusion)

    def _wanted(self, step: Step) -> bool:
        self._cut = self.halt.level
        if self._cut >= Level.INTERRUPT or self.deadline.passed:
            return False
        return self._status() in step.runs_after

    def _outcome(self, step: Step) -> Conclusion:
        try:
            ended = self._execute(step)
        except (StepError, CommandFileError, OSError) as wrong:
            self._tell_error(wrong)
            return Conclusion.FAILURE
        return self._judge(step, ended)

    def _judge(self, step: Step, ended: Ended) -> Conclusion:
        if ended.why is Why.HALT:
            self._cut = self.halt.level
            self.spool.note("cancelled" if self._cut == Level.CANCEL else "interrupted: the runner is being stopped")
            return Conclusion.CANCELLED
        if ended.why is Why.TIMEOUT:
            seconds = self.task.timeout if self.deadline.passed else step.timeout or self.limits.cleanup
            self.spool.note(f"Error: the time limit of {_minutes(seconds)} has passed")
            return Conclusion.FAILURE
        if ended.code:
            self.spool.note(f"Error: exit code {ended.code}")
        return Conclusion.FAILURE if ended.code else Conclusion.SUCCESS

    def _execute(self, step: Step) -> Ended:
        files = CommandFiles.make(self.workspace.temp, step.number)
        command = Command(
            argv=(*self._shell(step), str(self.workspace.write_script(step.number, step.run))),
            directory=self._directory(step),
            environment={**self._env, **step.env, **environment.both(files.variables())},
            deadline=self._deadline(step),
            mark=self.spool.state.mark,
            tolerated=Level.CANCEL if self.halt.level == Level.CANCEL else Level.GO_ON,
            grace=self.limits.grace,
        )
        ended = execute(command, Lines(self.masks, self.spool.write), self.halt)
        self._take(files)
        return ended

    def _shell(self, step: Step) -> tuple[str, ...]:
        if step.shell not in _SHELLS:
            raise StepError(f"shell: {step.shell} is not one of bash, sh")
        return _SHELLS[step.shell]

    def _directory(self, step: Step) -> Path:
        found = self.workspace.files / step.directory
        if not found.is_dir():
            raise StepError(f"working-directory: {step.directory} is not there")
        return found

    def _deadline(self, step: Step) -> Deadline:
        """The nearest of the job's, the step's and, after a cancellation, that of what is still to be done."""
        seconds = [self.deadline.remaining, *([step.timeout] if step.timeout else [])]
        if self.halt.level == Level.CANCEL:
            self._cleanup = self._cleanup or Deadline(self.limits.cleanup)
            seconds.append(self._cleanup.remaining)
        return Deadline(min(seconds))

    def _take(self, files: CommandFiles) -> None:
        """What the step has written to its files is there for the steps after it."""
        self._env |= command_files.read_values(files.env)
        for line in command_files.read(files.path).splitlines():
            if line.strip():
                self._env["PATH"] = f"{line.strip()}:{self._env['PATH']}"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds > 60 else f"{seconds:g} s"
