"""Images of archives: of a template that is none of ours, of a backup."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from docker import errors as docker_errors

from harness.embedded.engine import image, labels
from harness.embedded.node import compression
from harness.embedded.node.docker import cleanup
from harness.embedded.node.docker.names import Names
from harness.embedded.node.runtime import ArchiveError

_CHUNK = 1 << 20


def is_foreign(ref: str) -> bool:
    """Whether an image is none that this project makes: who knows what is in it."""
    return not ref.startswith(f"{image.REPOSITORY}:")


class Imports:
    """Makes the images of one node's archives."""

    def __init__(self, api: Any, names: Names) -> None:
        self._api = api
        self._names = names
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def template(self, path: Path) -> str:
        """The image of a template's file, made when it is not there yet; all containers made of it share it."""
        state = path.stat()
        known = f"{path} {state.st_size} {state.st_mtime_ns}"
        tag = hashlib.sha256(known.encode()).hexdigest()[:16]
        repository = self._names.templates
        with self._locks[tag]:
            if not self._exists(f"{repository}:{tag}"):
                self._make(path, repository, tag)
        return f"{repository}:{tag}"

    def _make(self, path: Path, repository: str, tag: str) -> None:
        try:
            self.load(path, repository, tag, {labels.INSTANCE: self._names.instance})
        except BaseException:
            cleanup.remove_image(self._api, f"{repository}:{tag}")
            raise

    def _exists(self, ref: str) -> bool:
        try:
            self._api.inspect_image(ref)
        except docker_errors.ImageNotFound:
            return False
        return True

    def load(self, path: Path, repository: str, tag: str, marks: Mapping[str, str]) -> str:
        """An image of an archive's content; its tag. Raises ``ArchiveError`` for a broken one."""
        if not path.is_file():
            raise ArchiveError("exit code 2")
        changes = [f"LABEL {key}={value}" for key, value in marks.items()]
        with compression.reading(path) as plain:
            answer = self._import(plain, repository=repository, tag=tag, changes=changes)
        _check(answer)
        return f"{repository}:{tag}"

    def _import(self, plain: IO[bytes], **where: Any) -> str:
        try:
            answer: str = self._api.import_image_from_stream(_chunks(plain), **where)
        except docker_errors.APIError as refused:
            if "tar" in str(refused.explanation):
                raise ArchiveError("exit code 2", detail=str(refused.explanation)) from refused
            raise
        return answer

    def forget(self, ref: str) -> None:
        """Let go of a template's image: containers that stand on it keep its content."""
        if is_foreign(ref) and not cleanup.remove_image(self._api, ref):
            self._api.remove_image(ref, force=True)


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk


def _check(answer: str) -> None:
    """Raise for an import that went wrong after the engine had begun to answer with lines of JSON."""
    lines: Sequence[str] = answer.splitlines()
    if any("error" in json.loads(line) for line in lines if line.startswith("{")):
        raise ArchiveError("exit code 2")
