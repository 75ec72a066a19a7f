"""The connection to the Docker engine, and its errors in the harness's words."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import docker
import requests
from docker import errors as docker_errors
from docker.client import DockerClient

from harness.kit.errors import HarnessError, UnreachableError

START_HINT = "start the Docker engine: systemctl start docker"
GROUP_HINT = 'let this user speak to Docker: sudo usermod -aG docker "$USER", then log in again'


class EngineError(HarnessError):
    """The Docker engine answered and refused; the text is the engine's own explanation."""

    def __init__(self, message: str, *, status: int | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status


def connect(timeout: float = 60.0) -> DockerClient:
    """A client of the engine that ``DOCKER_HOST`` (or the default socket) names, tested by one call.

    Raises ``UnreachableError`` when nothing answers or this user may not ask.
    """
    with translated("the Docker engine"):
        client = docker.from_env(timeout=int(timeout))
        try:
            client.ping()
        except BaseException:
            client.close()
            raise
    return client


@contextmanager
def opened(timeout: float = 60.0) -> Iterator[DockerClient]:
    """Like ``connect``, for a short use: closed at its end."""
    client = connect(timeout)
    try:
        yield client
    finally:
        client.close()


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn the Docker library's exceptions into ``EngineError`` and ``UnreachableError``, naming ``what``."""
    try:
        yield
    except docker_errors.APIError as refused:
        text = str(refused.explanation or refused)
        raise EngineError(f"{what}: {text}", status=refused.status_code) from refused
    except docker_errors.DockerException as failed:
        raise unreachable(what, failed) from failed
    except requests.exceptions.RequestException as failed:
        raise unreachable(what, failed) from failed


def unreachable(what: str, failure: Exception) -> UnreachableError:
    """The error for an engine that does not answer, with the hint its cause asks for."""
    causes = {getattr(cause, "errno", None) for cause in _chain(failure)}
    if {errno.EACCES, errno.EPERM} & causes:
        return UnreachableError(f"{what}: this user may not speak to the Docker engine", hint=GROUP_HINT)
    return UnreachableError(f"{what}: the Docker engine does not answer", hint=START_HINT, detail=str(failure))


def _chain(failure: BaseException) -> Iterator[BaseException]:
    """An exception with everything inside it: causes, contexts and exceptions kept as arguments."""
    seen: set[int] = set()
    waiting: list[BaseException] = [failure]
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        inner = (current.__cause__, current.__context__, *current.args)
        waiting.extend(item for item in inner if isinstance(item, BaseException))
