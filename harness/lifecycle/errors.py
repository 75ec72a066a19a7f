"""What can go wrong while a container is worked on."""

from __future__ import annotations

from harness.kit.errors import HarnessError


class NotOursError(HarnessError):
    """What stands under the VMID carries no stamp of this repository's container; it was not touched."""


class StaleError(HarnessError):
    """What the plan was made from has changed meanwhile."""

    def __init__(self, message: str) -> None:
        super().__init__(message, hint="run the same command again: it makes a new plan")


class NotIdempotentError(HarnessError):
    """A second converge changed something. ``resources`` names what."""

    def __init__(self, container: str, resources: tuple[str, ...], tail: str) -> None:
        self.resources = resources
        super().__init__(
            f"{container}: a second converge changed {', '.join(resources)}",
            hint="guard these resources (only_if, not_if, creates) so that they act only when something is to be done",
            detail=tail or None,
        )
