"""The tasks in hand: as many at once as there is capacity, one for each concurrency key."""

from __future__ import annotations

import logging
import os
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.embedded.runner import children, processes
from harness.embedded.runner.courier import Courier
from harness.embedded.runner.environment import Host
from harness.embedded.runner.halt import Halt, Level
from harness.embedded.runner.job import JobRun, Limits
from harness.embedded.runner.protocol import Conclusion, ProtocolError, Task, read_task
from harness.embedded.runner.settings import RunnerSettings
from harness.embedded.runner.spool import SpoolError, TaskSpool
from harness.embedded.runner.workspace import Workspace

_log = logging.getLogger(__name__)


@dataclass
class _Held:
    """A task that runs, or waits for its concurrency key."""

    task: Task
    spool: TaskSpool
    halt: Halt = field(default_factory=Halt)
    mark: str = field(default_factory=lambda: secrets.token_hex(16))
    started: bool = False


class Jobs:
    """Takes tasks and runs each in a thread."""

    def __init__(self, settings: RunnerSettings) -> None:
        self._settings = settings
        self._host = Host(settings.name, settings.environ, settings.ca)
        self._held: dict[str, _Held] = {}
        self._changed = threading.Condition()

    def wait_for_room(self, seconds: float) -> bool:
        """Wait until there is room for one more task, at most ``seconds``; whether there is."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._held) < self._settings.capacity, seconds)

    def take(self, raw: Mapping[str, Any], courier: Courier) -> None:
        """A job as the forge sent it."""
        name = f"{int(raw['id'])}-{int(raw.get('attempt', 1))}"
        spool = TaskSpool(self._settings.spool / name, courier.changed)
        try:
            held = _Held(read_task(raw), spool)
        except ProtocolError as wrong:
            spool.note(f"Error: {wrong}")
            spool.conclude(Conclusion.FAILURE)
        else:
            _log.info("job %s: %s of %s", name, held.task.name, held.task.repository)
            with self._changed:
                self._held[name] = held
        courier.add(spool)
        self._start_next()

    def _start_next(self) -> None:
        """Start everything that waits and whose key nobody holds."""
        with self._changed:
            taken = {held.task.concurrency for held in self._held.values() if held.started}
            for held in self._held.values():
                if not held.started and held.task.concurrency not in taken:
                    taken.add(held.task.concurrency)
                    held.started = True
                    threading.Thread(
                        target=self._run, args=(held,), name=f"task-{held.spool.name}", daemon=True
                    ).start()

    def _run(self, held: _Held) -> None:
        try:
            conclusion = self._work(held)
            _log.info("job %s: %s", held.spool.name, conclusion)
        except Exception as error:  # a fault of the runner's own must reach the person who waits for the job
            _log.exception("job %s", held.spool.name)
            held.spool.note(f"Error: the runner failed: {error}")
            held.spool.conclude(Conclusion.FAILURE)
        finally:
            self._done(held)

    def _work(self, held: _Held) -> Conclusion:
        workspace = None
        try:
            held.spool.begin(held.mark)
            workspace = Workspace(self._settings.work / held.spool.name)
            limits = Limits(grace=self._settings.kill_grace)
            job = JobRun(
                held.task, host=self._host, workspace=workspace, spool=held.spool, halt=held.halt, limits=limits
            )
            return job.run()
        except (OSError, SpoolError) as error:
            held.spool.note(f"Error: the job cannot start: {error}")
            held.spool.conclude(Conclusion.FAILURE)
            return Conclusion.FAILURE
        finally:
            if workspace is not None:
                workspace.remove()

    def _done(self, held: _Held) -> None:
        with self._changed:
            self._held.pop(held.spool.name, None)
            if not any(other.started for other in self._held.values()):
                processes.kill_all(children.strays)  # nobody else can have started them
            self._changed.notify_all()
        if held.halt.level == Level.DROP:
            held.spool.remove()
        self._start_next()

    def halt(self, task: str, level: Level) -> None:
        """End a task; one that has ended, or is not known, is fine."""
        with self._changed:
            held = self._held.get(task)
        if held is not None:
            held.halt.ask(level)

    def halt_all(self, level: Level) -> None:
        """End all tasks."""
        with self._changed:
            every = list(self._held)
        for task in every:
            self.halt(task, level)

    def wait(self, seconds: float | None) -> bool:
        """Wait until none is left, at most ``seconds`` if given; whether none is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._held, seconds)

    def kill(self) -> None:
        """Kill the processes of all tasks without ceremony."""
        processes.kill_all(lambda: processes.descendants(os.getpid()))
