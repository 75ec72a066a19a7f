"""What Gitea has and this forge has not: clients that ask for it read that there is none."""

from __future__ import annotations

from starlette.responses import Response

from harness.embedded.forge.api import needs
from harness.embedded.forge.api.call import Call, answer, paged
from harness.embedded.forge.api.routing import Routes

routes = Routes()
_REPO = "/repos/{owner}/{repo}"
_OF_REPOSITORIES = (
    "stargazers", "subscribers", "push_mirrors", "activities/feeds", "issues/pinned", "pulls/pinned",
    "issues/{index}/timeline", "issues/{index}/reactions", "issues/{index}/dependencies", "issues/{index}/blocks",
    "issues/comments/{id}/reactions", "tag_protections", "times",
)  # fmt: skip
_OF_ONESELF = (
    "followers", "following", "starred", "subscriptions", "gpg_keys", "stopwatches", "times", "blocks",
    "applications/oauth2",
)  # fmt: skip
_OF_PEOPLE = ("followers", "following", "starred", "subscriptions", "gpg_keys", "heatmap", "activities/feeds")
_OF_ADMINISTRATORS = ("hooks", "cron", "unadopted", "emails")
_TEMPLATES = ("/licenses", "/gitignore/templates", "/label/templates")


def none(call: Call) -> Response:
    """An empty page."""
    return paged(call, [])


for _path in _OF_REPOSITORIES:
    routes.get(f"{_REPO}/{_path}", needs.READ)(none)
for _path in _OF_ONESELF:
    routes.get(f"/user/{_path}", needs.ME)(none)
for _path in _OF_PEOPLE:
    routes.get(f"/users/{{username}}/{_path}", needs.USERS)(none)
for _path in _OF_ADMINISTRATORS:
    routes.get(f"/admin/{_path}", needs.ADMIN)(none)
for _path in _TEMPLATES:
    routes.get(_path, needs.OPEN)(none)
routes.get("/notifications", needs.NOTIFICATIONS)(none)
routes.get("/orgs/{org}/activities/feeds", needs.ORG)(none)
routes.get("/packages/{owner}", needs.PACKAGES)(none)


@routes.get("/notifications/new", needs.NOTIFICATIONS)
def news(_call: Call) -> Response:
    """How many are new."""
    return answer({"new": 0})


@routes.get(f"{_REPO}/licenses", needs.READ)
def licences(_call: Call) -> Response:
    """Which licences its files name is not looked for."""
    return answer([])
