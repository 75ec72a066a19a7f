"""What is wrong with a workflow file, and where."""

from __future__ import annotations


class WorkflowError(Exception):
    """Something in a workflow file is not understood or not supported; ``line`` counts from 1."""

    def __init__(self, file: str, line: int, words: str) -> None:
        super().__init__(f"{file}:{line}: {words}")
        self.file = file
        self.line = line
        self.words = words
