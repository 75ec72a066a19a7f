"""The pages: what a person sees of the forge, rendered here and readable without JavaScript.

``routes(forge)`` is the only door. Each module of ``views`` answers the addresses of one area with a template; none has
SQL or git of its own. Addresses are Gitea's where Gitea has such a page, so that links in mails, commit statuses and
answers of the API lead somewhere.
"""

from __future__ import annotations

from starlette.routing import BaseRoute

from harness.embedded.forge.forge import Forge


def routes(forge: Forge) -> list[BaseRoute]:
    """Every page, form and file of the pages, in the order in which they are tried."""
    from harness.embedded.forge.pages import table  # noqa: PLC0415 - views import this package

    return table.routes(forge)


__all__ = ["routes"]
