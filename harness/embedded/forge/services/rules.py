"""The rules that protect branches: who may move one, and what a pull request onto it still waits for."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping
from typing import Any

from harness.embedded.forge import access, clock
from harness.embedded.forge.access import Identity, Mode
from harness.embedded.forge.errors import ForbiddenError, not_found
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.git import history
from harness.embedded.forge.shapes import pulls as pulls_shape
from harness.embedded.forge.shapes.repository import PROTECTION_DEFAULTS
from harness.embedded.forge.store import pulls, repositories
from harness.embedded.forge.store.records import Account, Protection, Pull, Repository


def rule_for(forge: Forge, repository: Repository, branch: str) -> Protection | None:
    """The rule that protects the branch: one of its name before globs, older before newer."""
    rules = repositories.protections(forge.db, repository.id)
    exact = [rule for rule in rules if rule.rule == branch]
    return next(iter(exact or [rule for rule in rules if fnmatch.fnmatchcase(branch, rule.rule)]), None)


def _listed(rule: Protection, switch: str, names_key: str, user: Account | None) -> bool:
    if not rule.option(switch):
        return True
    return user is not None and user.name in rule.option(names_key, [])


def may_push(forge: Forge, identity: Identity, repository: Repository, branch: str) -> bool:
    """Whether the asker may move the branch by a push or a change of contents."""
    if access.mode(forge.db, identity, repository) < Mode.WRITE:
        return False
    rule = rule_for(forge, repository, branch)
    if rule is None:
        return True
    listed = _listed(rule, "enable_push_whitelist", "push_whitelist_usernames", identity.user)
    return bool(rule.option("enable_push")) and listed


def may_force(forge: Forge, repository: Repository, branch: str) -> bool:
    """Whether a push to the branch may throw commits away."""
    rule = rule_for(forge, repository, branch)
    return rule is None or bool(rule.option("enable_force_push"))


def may_merge(forge: Forge, identity: Identity, repository: Repository, branch: str) -> bool:
    """Whether the asker may accept pull requests onto the branch."""
    if access.mode(forge.db, identity, repository) < Mode.WRITE:
        return False
    rule = rule_for(forge, repository, branch)
    return rule is None or _listed(rule, "enable_merge_whitelist", "merge_whitelist_usernames", identity.user)


def why_not_ready(forge: Forge, repository: Repository, found: Pull) -> str:
    """What the rule of the base branch still asks for; an empty string when nothing."""
    rule = rule_for(forge, repository, found.base)
    if rule is None:
        return ""
    if rule.option("enable_status_check") and not _checks_passed(forge, repository, found, rule):
        return "Not all required status checks successful"
    if _approvals(forge, found) < int(rule.option("required_approvals", 0)):
        return "Does not have enough approvals"
    if rule.option("block_on_rejected_reviews") and _rejected(forge, found):
        return "There are requested changes"
    tip = forge.git(repository.id).branch(found.base)
    behind = tip is not None and not history.is_ancestor(forge.git(repository.id), tip, found.head_sha)
    if rule.option("block_on_outdated_branch") and behind:
        return "The head branch is behind the base branch"
    return ""


def _checks_passed(forge: Forge, repository: Repository, found: Pull, rule: Protection) -> bool:
    newest = pulls_shape.newest_by_context(repositories.statuses(forge.db, repository.id, found.head_sha))
    wanted = rule.option("status_check_contexts", [])
    if not wanted:
        return pulls_shape.combined_state(newest) in {"success", "skipped"}
    good = [status.context for status in newest if status.state in {"success", "skipped"}]
    return all(any(fnmatch.fnmatchcase(context, pattern) for context in good) for pattern in wanted)


def _approvals(forge: Forge, found: Pull) -> int:
    verdicts = {review.user_id: review for review in pulls.reviews(forge.db, found.id) if not review.dismissed}
    return sum(review.state == "APPROVED" for review in verdicts.values())


def _rejected(forge: Forge, found: Pull) -> bool:
    verdicts = {review.user_id: review for review in pulls.reviews(forge.db, found.id) if not review.dismissed}
    return any(review.state == "REQUEST_CHANGES" for review in verdicts.values())


# Making them


def protect(forge: Forge, repository: Repository, rule: str, options: Mapping[str, Any]) -> Protection:
    """A new rule."""
    if any(known.rule == rule for known in repositories.protections(forge.db, repository.id)):
        raise ForbiddenError("Branch protection already exist")
    now = clock.now()
    kept = json.dumps(_known(options))
    forge.db.insert("protection", repo_id=repository.id, rule=rule, options=kept, created=now, updated=now)
    return protection(forge, repository, rule)


def _known(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key in PROTECTION_DEFAULTS}


def protection(forge: Forge, repository: Repository, rule: str) -> Protection:
    """The rule of that name; raises ``MissingError``."""
    for known in repositories.protections(forge.db, repository.id):
        if known.rule == rule:
            return known
    raise not_found()


def edit_protection(forge: Forge, repository: Repository, rule: str, options: Mapping[str, Any]) -> Protection:
    """Change what the names of ``options`` say."""
    known = protection(forge, repository, rule)
    kept = json.dumps({**json.loads(known.options), **_known(options)})
    forge.db.update("protection", known.id, options=kept, updated=clock.now())
    return protection(forge, repository, rule)


def unprotect(forge: Forge, repository: Repository, rule: str) -> None:
    """Remove a rule."""
    forge.db.run("DELETE FROM protection WHERE id = ?", protection(forge, repository, rule).id)
