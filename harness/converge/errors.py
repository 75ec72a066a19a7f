"""How a converge fails: with the resource, its line in the recipe, and the end of what was printed."""

from __future__ import annotations

from harness.kit.errors import HarnessError, UnreachableError


class ConvergeError(HarnessError):
    """The cookbook did not run to its end.

    ``resource`` is ``kind[name]`` or None when no resource was running (a recipe that cannot be read); ``place`` is
    ``recipes/default.rb:12`` or empty; ``tail`` is the end of the output, redacted.
    """

    def __init__(
        self,
        message: str,
        *,
        resource: str | None = None,
        place: str = "",
        tail: str = "",
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint, detail=tail or None)
        self.resource = resource
        self.place = place
        self.tail = tail


class MirrorError(UnreachableError):
    """The Cinc mirror does not answer, or not with what the engine needs."""
