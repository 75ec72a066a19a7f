"""Queries for people, organisations, teams, tokens and keys."""

from __future__ import annotations

from harness.embedded.forge.store.database import Database
from harness.embedded.forge.store.records import Account, DeployKey, PublicKey, Team, Token

SYSTEM_ID = -2  # the account that jobs act as; Gitea uses the same number
GHOST = Account(
    -1, "Ghost", "ghost", False, "", "", "", False, True, False, True, False, "", "", "", "", "public", False, 0, 0
)


def by_id(db: Database, key: int | None) -> Account:
    """The account, or the ghost of one that was deleted."""
    return db.one(Account, "SELECT * FROM account WHERE id = ?", key) or GHOST


def by_name(db: Database, name: str) -> Account | None:
    """The account of that name in any case."""
    return db.one(Account, "SELECT * FROM account WHERE lower_name = ? AND id > 0", name.lower())


def by_email(db: Database, email: str) -> Account | None:
    """The person with that address in any case."""
    return db.one(Account, "SELECT * FROM account WHERE lower(email) = ? AND organisation = 0", email.lower())


def redirected(db: Database, name: str) -> Account | None:
    """The account that once had that name."""
    key = db.value("SELECT account_id FROM account_redirect WHERE lower_name = ?", name.lower())
    return db.one(Account, "SELECT * FROM account WHERE id = ?", key) if key else None


def people(db: Database) -> list[Account]:
    """Everyone who is no organisation, by name."""
    return db.all(Account, "SELECT * FROM account WHERE organisation = 0 AND id > 0 ORDER BY lower_name")


def organisations(db: Database) -> list[Account]:
    """Every organisation, by name."""
    return db.all(Account, "SELECT * FROM account WHERE organisation = 1 ORDER BY lower_name")


def organisations_of(db: Database, user_id: int) -> list[Account]:
    """The organisations that the person is in, by name."""
    sql = """SELECT DISTINCT a.* FROM account a JOIN team t ON t.org_id = a.id JOIN team_member m ON m.team_id = t.id
             WHERE m.user_id = ? ORDER BY a.lower_name"""
    return db.all(Account, sql, user_id)


def members(db: Database, org_id: int) -> list[Account]:
    """Everybody in a team of the organisation."""
    sql = """SELECT DISTINCT a.* FROM account a JOIN team_member m ON m.user_id = a.id JOIN team t ON t.id = m.team_id
             WHERE t.org_id = ? ORDER BY a.lower_name"""
    return db.all(Account, sql, org_id)


def public_members(db: Database, org_id: int) -> list[Account]:
    """Members who show it."""
    shown = set(db.column("SELECT user_id FROM public_member WHERE org_id = ?", org_id))
    return [one for one in members(db, org_id) if one.id in shown]


def teams(db: Database, org_id: int) -> list[Team]:
    """The teams of an organisation, owners first."""
    sql = "SELECT * FROM team WHERE org_id = ? ORDER BY CASE permission WHEN 'owner' THEN 0 ELSE 1 END, lower_name"
    return db.all(Team, sql, org_id)


def teams_of(db: Database, org_id: int, user_id: int) -> list[Team]:
    """The teams of an organisation that the person is in."""
    sql = "SELECT t.* FROM team t JOIN team_member m ON m.team_id = t.id WHERE t.org_id = ? AND m.user_id = ?"
    return db.all(Team, sql, org_id, user_id)


def team(db: Database, key: int) -> Team | None:
    """One team."""
    return db.one(Team, "SELECT * FROM team WHERE id = ?", key)


def team_members(db: Database, key: int) -> list[Account]:
    """The people of one team."""
    sql = "SELECT a.* FROM account a JOIN team_member m ON m.user_id = a.id WHERE m.team_id = ? ORDER BY a.lower_name"
    return db.all(Account, sql, key)


_TOKEN = "id, user_id, name, last_eight, scopes, created, used, expires, repo_id"  # noqa: S105


def token_by_digest(db: Database, digest: str) -> Token | None:
    """The token whose secret has that digest."""
    return db.one(Token, f"SELECT {_TOKEN} FROM token WHERE digest = ?", digest)  # noqa: S608


def tokens(db: Database, user_id: int) -> list[Token]:
    """A person's tokens, oldest first; those of jobs are nobody's."""
    sql = f"SELECT {_TOKEN} FROM token WHERE user_id = ? AND repo_id IS NULL ORDER BY id"  # noqa: S608
    return db.all(Token, sql, user_id)


def public_keys(db: Database, user_id: int) -> list[PublicKey]:
    """A person's ssh keys."""
    return db.all(PublicKey, "SELECT * FROM public_key WHERE user_id = ? ORDER BY id", user_id)


def public_key(db: Database, key: int) -> PublicKey | None:
    """Anybody's ssh key."""
    return db.one(PublicKey, "SELECT * FROM public_key WHERE id = ?", key)


def deploy_keys(db: Database, repo_id: int) -> list[DeployKey]:
    """A repository's ssh keys."""
    return db.all(DeployKey, "SELECT * FROM deploy_key WHERE repo_id = ? ORDER BY id", repo_id)
