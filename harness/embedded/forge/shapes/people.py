"""Users, organisations, teams, tokens and keys."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from harness.embedded.forge import clock
from harness.embedded.forge.access import Mode
from harness.embedded.forge.shapes.view import View
from harness.embedded.forge.store.records import Account, PublicKey, Team, Token

Json = dict[str, Any]
UNITS = (
    "repo.code", "repo.issues", "repo.ext_issues", "repo.wiki", "repo.pulls", "repo.releases", "repo.projects",
    "repo.ext_wiki", "repo.packages", "repo.actions",
)  # fmt: skip


def _avatar(view: View, account: Account) -> str:
    return f"{view.base}/avatars/{hashlib.sha256(f'{account.id}:{account.lower_name}'.encode()).hexdigest()}"


def _user(view: View, account: Account, *, signed: bool, authed: bool) -> Json:
    hidden = f"{account.id}+{account.lower_name}@noreply.localhost"
    return {
        "id": account.id,
        "login": account.name,
        "login_name": account.login_name if authed else "",
        "source_id": 0,
        "full_name": account.full_name,
        "email": account.email if signed else hidden,
        "avatar_url": _avatar(view, account),
        "html_url": f"{view.base}/{account.name}",
        "language": "",
        "is_admin": authed and account.admin,
        "last_login": clock.show(account.last_login) if authed else clock.ZERO,
        "created": clock.show(account.created),
        "restricted": authed and account.restricted,
        "active": authed and account.active,
        "prohibit_login": authed and account.prohibit_login,
        "location": account.location,
        "website": account.website,
        "description": account.description,
        "visibility": account.visibility,
        "followers_count": 0,
        "following_count": 0,
        "starred_repos_count": 0,
        "username": account.name,
    }


def user(view: View, account: Account) -> Json:
    """An account as the viewer may see it: everything of oneself, and for administrators of everybody."""
    viewer = view.viewer
    full = viewer is not None and (viewer.id == account.id or viewer.admin)
    return _user(view, account, signed=viewer is not None, authed=full)


def stranger(view: View, account: Account) -> Json:
    """An account as everybody sees it, address hidden."""
    return _user(view, account, signed=False, authed=False)


def owner(view: View, account: Account, mode: Mode) -> Json:
    """An account as the owner of a repository."""
    return _user(view, account, signed=mode > Mode.NONE, authed=False)


def organisation(view: View, account: Account) -> Json:
    """An organisation."""
    return {
        "id": account.id,
        "name": account.name,
        "full_name": account.full_name,
        "email": account.email,
        "avatar_url": _avatar(view, account),
        "description": account.description,
        "website": account.website,
        "location": account.location,
        "visibility": account.visibility,
        "repo_admin_change_team_access": account.team_access,
        "username": account.name,
    }


def team(_view: View, found: Team, org: Json | None) -> Json:
    """A team; ``org`` is its organisation where the answer holds that."""
    units = json.loads(found.units) or dict.fromkeys(UNITS, found.permission)
    return {
        "id": found.id,
        "name": found.name,
        "description": found.description,
        "organization": org,
        "includes_all_repositories": found.every_repository,
        "permission": found.permission,
        "units": sorted(units, key=lambda unit: UNITS.index(unit) if unit in UNITS else 99),
        "units_map": units,
        "can_create_org_repo": found.may_create,
    }


def token(found: Token, secret: str = "") -> Json:
    """An access token; its secret is shown once, and then its times are not yet."""
    return {
        "id": found.id,
        "name": found.name,
        "sha1": secret,
        "token_last_eight": found.last_eight,
        "scopes": found.scopes.split(","),
        "created_at": clock.ZERO if secret else clock.show(found.created),
        "last_used_at": clock.ZERO if secret else clock.show(found.used),
    }


def public_key(view: View, key: PublicKey, account: Account) -> Json:
    """A person's ssh key."""
    return {
        "id": key.id,
        "key": key.key,
        "url": f"{view.base}/api/v1/user/keys/{key.id}",
        "title": key.title,
        "fingerprint": key.fingerprint,
        "created_at": clock.show(key.created),
        "last_used_at": clock.show(key.created),
        "user": user(view, account),
        "key_type": "user",
    }
