"""Version and settings."""

from __future__ import annotations

from starlette.responses import Response

from harness.embedded.forge.api import needs
from harness.embedded.forge.api.call import Call, answer
from harness.embedded.forge.api.routing import Routes

VERSION = "1.26.0-dev"  # clients find out by it which API the server speaks
routes = Routes()


@routes.get("/version", needs.OPEN)
def version(_call: Call) -> Response:
    """The release of the API."""
    return answer({"version": VERSION})


@routes.get("/settings/api", needs.OPEN)
def settings_api(_call: Call) -> Response:
    """Limits of the API."""
    return answer(
        {
            "max_response_items": 50,
            "default_paging_num": 30,
            "default_git_trees_per_page": 1000,
            "default_max_blob_size": 10485760,
            "default_max_response_size": 104857600,
        }
    )


@routes.get("/settings/repository", needs.OPEN)
def settings_repository(_call: Call) -> Response:
    """What repositories can do."""
    return answer(
        {
            "mirrors_disabled": True,
            "http_git_disabled": False,
            "migrations_disabled": True,
            "stars_disabled": True,
            "time_tracking_disabled": True,
            "lfs_disabled": True,
        }
    )


@routes.get("/settings/ui", needs.OPEN)
def settings_ui(_call: Call) -> Response:
    """What pages look like."""
    return answer({"default_theme": "gitea-auto", "allowed_reactions": [], "custom_emojis": []})


@routes.get("/settings/attachment", needs.OPEN)
def settings_attachment(_call: Call) -> Response:
    """Nothing can be attached."""
    return answer({"enabled": False, "allowed_types": "", "max_size": 0, "max_files": 0})
