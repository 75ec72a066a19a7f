"""Repositories, deploy keys, branches' rules, tags, refs and releases."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from harness.embedded.forge import clock
from harness.embedded.forge.access import Mode
from harness.embedded.forge.git.history import Commit
from harness.embedded.forge.git.repository import Ref
from harness.embedded.forge.shapes import people
from harness.embedded.forge.shapes.view import View
from harness.embedded.forge.store import accounts, repositories
from harness.embedded.forge.store.records import DEFAULT_OPTIONS, DeployKey, Protection, Release, Repository

Json = dict[str, Any]
_TRACKER = {
    "enable_time_tracker": True,
    "allow_only_contributors_to_track_time": True,
    "enable_issue_dependencies": True,
}


def repository(view: View, found: Repository, mode: Mode | None = None) -> Json:
    """A repository as somebody with ``mode`` sees it (``None``: the viewer)."""
    held = view.mode(found) if mode is None else mode
    shape = {**_head(view, found, held), **_addresses(view, found), **_counts(found), **_times(found)}
    shape["permissions"] = {
        "admin": held >= Mode.ADMIN,
        "push": held >= Mode.WRITE,
        "pull": held >= Mode.READ,
    }
    shape |= _options(found)
    return shape | {
        "avatar_url": "",
        "internal": False,
        "mirror_interval": "",
        "object_format_name": "sha1",
        "mirror_updated": clock.ZERO,
        "topics": json.loads(found.topics),
        "licenses": [],
    }


def _head(view: View, found: Repository, mode: Mode) -> Json:
    shape: Json = {
        "id": found.id,
        "owner": people.owner(view, accounts.by_id(view.db, found.owner_id), mode),
        "name": found.name,
        "full_name": found.full_name,
        "description": found.description,
        "empty": found.empty,
        "private": found.private,
        "fork": found.fork_of is not None,
        "template": found.template,
        "mirror": False,
        "size": found.size,
        "language": "",
    }
    parent = repositories.by_id(view.db, found.fork_of) if found.fork_of else None
    if parent:
        shape["parent"] = repository(view, parent)
    return shape


def _addresses(view: View, found: Repository) -> Json:
    return {
        "languages_url": view.api(found, "languages"),
        "html_url": view.page(found),
        "url": view.api(found),
        "link": "",
        "ssh_url": f"git@localhost:{found.full_name}.git",
        "clone_url": f"{view.page(found)}.git",
        "original_url": "",
        "website": found.website,
    }


def _counts(found: Repository) -> Json:
    return {
        "stars_count": 0,
        "forks_count": found.forks,
        "watchers_count": found.watchers,
        "open_issues_count": 0,
        "open_pr_counter": found.open_pulls,
        "release_counter": found.releases,
        "default_branch": found.default_branch,
    }


def _times(found: Repository) -> Json:
    return {
        "archived": found.archived,
        "created_at": clock.show(found.created),
        "updated_at": clock.show(found.updated),
        "archived_at": clock.show(found.archived_at),
    }


def _options(found: Repository) -> Json:
    options = {**DEFAULT_OPTIONS, **json.loads(found.options)}
    shape: Json = {"has_code": True, **{name: options[name] for name in DEFAULT_OPTIONS}}
    if options["has_issues"]:
        shape["internal_tracker"] = _TRACKER
    return shape


def deploy_key(view: View, key: DeployKey, within: Repository | None) -> Json:
    """A repository's ssh key; ``within`` where the answer holds the repository too."""
    owner = repositories.by_id(view.db, key.repo_id)
    shape: Json = {
        "id": key.id,
        "key_id": key.id,
        "key": key.key,
        "url": f"{view.api(owner)}/keys/{key.id}" if owner else "",
        "title": key.title,
        "fingerprint": key.fingerprint,
        "created_at": clock.show(key.created),
        "read_only": key.read_only,
    }
    return shape | ({"repository": repository(view, within, Mode.READ)} if within else {})


def protection(rule: Protection) -> Json:
    """A rule for branches."""
    shape = {**PROTECTION_DEFAULTS, **json.loads(rule.options)}
    times = {"created_at": clock.show(rule.created), "updated_at": clock.show(rule.updated)}
    return {"branch_name": rule.rule, "rule_name": rule.rule, **shape, **times}


PROTECTION_DEFAULTS: Json = {
    "priority": 1,
    "enable_push": False,
    "enable_push_whitelist": False,
    "push_whitelist_usernames": [],
    "push_whitelist_teams": [],
    "push_whitelist_deploy_keys": False,
    "enable_force_push": False,
    "enable_force_push_allowlist": False,
    "force_push_allowlist_usernames": [],
    "force_push_allowlist_teams": [],
    "force_push_allowlist_deploy_keys": False,
    "enable_merge_whitelist": False,
    "merge_whitelist_usernames": [],
    "merge_whitelist_teams": [],
    "enable_status_check": False,
    "status_check_contexts": [],
    "required_approvals": 0,
    "enable_approvals_whitelist": False,
    "approvals_whitelist_username": [],
    "approvals_whitelist_teams": [],
    "block_on_rejected_reviews": False,
    "block_on_official_review_requests": False,
    "block_on_outdated_branch": False,
    "dismiss_stale_approvals": False,
    "ignore_stale_approvals": False,
    "require_signed_commits": False,
    "protected_file_patterns": "",
    "unprotected_file_patterns": "",
    "block_admin_merge_override": False,
}


def tag(view: View, found: Repository, ref: Ref, commit: Commit, message: str) -> Json:
    """A tag; an annotated one is named by its own object and has its own message."""
    name = ref.name.removeprefix("refs/tags/")
    return {
        "name": name,
        "message": message.strip(),
        "id": ref.sha,
        "commit": {
            "url": view.api(found, "git/commits", ref.sha),
            "sha": commit.sha,
            "created": commit.committer.date,
        },
        "zipball_url": view.page(found, "archive", f"{quote(name)}.zip"),
        "tarball_url": view.page(found, "archive", f"{quote(name)}.tar.gz"),
    }


def reference(view: View, found: Repository, ref: Ref) -> Json:
    """A ref."""
    kinds = {"commit": "commits", "tag": "tags", "tree": "trees", "blob": "blobs"}
    return {
        "ref": ref.name,
        "url": view.api(found, "git", ref.name),
        "object": {
            "type": ref.kind,
            "sha": ref.sha,
            "url": view.api(found, "git", kinds[ref.kind], ref.sha),
        },
    }


def release(view: View, found: Repository, made: Release) -> Json:
    """A tag with notes."""
    tagged = quote(made.tag)
    return {
        "id": made.id,
        "tag_name": made.tag,
        "target_commitish": made.target,
        "name": made.title,
        "body": made.body,
        "url": view.api(found, "releases", str(made.id)),
        "html_url": view.page(found, "releases/tag", tagged),
        "tarball_url": view.page(found, "archive", f"{tagged}.tar.gz"),
        "zipball_url": view.page(found, "archive", f"{tagged}.zip"),
        "upload_url": view.api(found, "releases", str(made.id), "assets"),
        "draft": made.draft,
        "prerelease": made.prerelease,
        "created_at": clock.show(made.created),
        "published_at": clock.show(made.created),
        "author": people.stranger(view, accounts.by_id(view.db, made.author_id)),
        "assets": [],
    }
