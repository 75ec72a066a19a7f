"""The tables. A change is a new entry of ``VERSIONS``; the database remembers how many it has seen."""

from __future__ import annotations

import sqlite3

_FIRST = """
CREATE TABLE account (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, lower_name TEXT NOT NULL UNIQUE,
  organisation INTEGER NOT NULL DEFAULT 0, full_name TEXT NOT NULL DEFAULT '', email TEXT NOT NULL DEFAULT '',
  password TEXT NOT NULL DEFAULT '', admin INTEGER NOT NULL DEFAULT 0, active INTEGER NOT NULL DEFAULT 1,
  restricted INTEGER NOT NULL DEFAULT 0, prohibit_login INTEGER NOT NULL DEFAULT 0,
  must_change_password INTEGER NOT NULL DEFAULT 0, login_name TEXT NOT NULL DEFAULT '',
  description TEXT NOT NULL DEFAULT '', website TEXT NOT NULL DEFAULT '', location TEXT NOT NULL DEFAULT '',
  visibility TEXT NOT NULL DEFAULT 'public', team_access INTEGER NOT NULL DEFAULT 0,
  created INTEGER NOT NULL, last_login INTEGER NOT NULL DEFAULT 0);
CREATE TABLE account_redirect (lower_name TEXT PRIMARY KEY, account_id INTEGER NOT NULL);
CREATE TABLE team (
  id INTEGER PRIMARY KEY AUTOINCREMENT, org_id INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
  name TEXT NOT NULL, lower_name TEXT NOT NULL, description TEXT NOT NULL DEFAULT '', permission TEXT NOT NULL,
  every_repository INTEGER NOT NULL DEFAULT 0, may_create INTEGER NOT NULL DEFAULT 0, units TEXT NOT NULL DEFAULT '{}',
  UNIQUE (org_id, lower_name));
CREATE TABLE team_member (
  team_id INTEGER NOT NULL REFERENCES team ON DELETE CASCADE,
  user_id INTEGER NOT NULL REFERENCES account ON DELETE CASCADE, PRIMARY KEY (team_id, user_id));
CREATE TABLE token (
  id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
  name TEXT NOT NULL, digest TEXT NOT NULL UNIQUE, last_eight TEXT NOT NULL, scopes TEXT NOT NULL,
  created INTEGER NOT NULL, used INTEGER NOT NULL, expires INTEGER, repo_id INTEGER, UNIQUE (user_id, name));
CREATE TABLE session (
  digest TEXT PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
  created INTEGER NOT NULL, expires INTEGER NOT NULL);
CREATE TABLE public_key (
  id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
  title TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL UNIQUE, created INTEGER NOT NULL);
CREATE TABLE repository (
  id INTEGER PRIMARY KEY AUTOINCREMENT, owner_id INTEGER NOT NULL REFERENCES account, name TEXT NOT NULL,
  lower_name TEXT NOT NULL, description TEXT NOT NULL DEFAULT '', website TEXT NOT NULL DEFAULT '',
  private INTEGER NOT NULL DEFAULT 0, template INTEGER NOT NULL DEFAULT 0, archived INTEGER NOT NULL DEFAULT 0,
  archived_at INTEGER NOT NULL DEFAULT 0, empty INTEGER NOT NULL DEFAULT 1, default_branch TEXT NOT NULL,
  fork_of INTEGER REFERENCES repository ON DELETE SET NULL, size INTEGER NOT NULL DEFAULT 22,
  watchers INTEGER NOT NULL DEFAULT 1, options TEXT NOT NULL DEFAULT '{}', topics TEXT NOT NULL DEFAULT '[]',
  next_number INTEGER NOT NULL DEFAULT 1, created INTEGER NOT NULL, updated INTEGER NOT NULL,
  UNIQUE (owner_id, lower_name));
CREATE TABLE team_repository (
  team_id INTEGER NOT NULL REFERENCES team ON DELETE CASCADE,
  repo_id INTEGER NOT NULL REFERENCES repository ON DELETE CASCADE, PRIMARY KEY (team_id, repo_id));
CREATE TABLE repository_redirect (
  owner_id INTEGER NOT NULL, lower_name TEXT NOT NULL,
  repo_id INTEGER NOT NULL REFERENCES repository ON DELETE CASCADE, PRIMARY KEY (owner_id, lower_name));
CREATE TABLE collaborator (
  repo_id INTEGER NOT NULL REFERENCES repository ON DELETE CASCADE,
  user_id INTEGER NOT NULL REFERENCES account ON DELETE CASCADE, permission TEXT NOT NULL,
  PRIMARY KEY (repo_id, user_id));
CREATE TABLE deploy_key (
  id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repository ON DELETE CASCADE,
  title TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, read_only INTEGER NOT NULL,
  created INTEGER NOT NULL, UNIQUE (repo_id, fingerprint));
CREATE TABLE protection (
  id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repository ON DELETE CASCADE,
  rule TEXT NOT NULL, options TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL,
  UNIQUE (repo_id, rule));
CREATE TABLE known_ref (
  repo_id INTEGER NOT NULL REFERENCES repository ON DELETE CASCADE, ref TEXT NOT NULL, sha TEXT NOT NULL,
  PRIMARY KEY (repo_id, ref)) WITHOUT ROWID;
CREATE TABLE pull (
  id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repository ON DELETE CASCADE,
  number INTEGER NOT NULL, user_id INTEGER NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL,
  head_repo_id INTEGER NOT NULL, head TEXT NOT NULL, base TEXT NOT NULL, merge_base TEXT NOT NULL,
  head_sha TEXT NOT NULL, closed INTEGER NOT NULL DEFAULT 0, closed_at INTEGER, merged INTEGER NOT NULL DEFAULT 0,
  merged_at INTEGER, merged_by INTEGER, merge_sha TEXT, intent TEXT, maintainer_edit INTEGER NOT NULL DEFAULT 0,
  created INTEGER NOT NULL, updated INTEGER NOT NULL, UNIQUE (repo_id, number));
CREATE TABLE pull_person (
  pull_id INTEGER NOT NULL REFERENCES pull ON DELETE CASCADE, user_id INTEGER NOT NULL, role TEXT NOT NULL,
  PRIMARY KEY (pull_id, user_id, role));
CREATE TABLE comment (
  id INTEGER PRIMARY KEY AUTOINCREMENT, pull_id INTEGER NOT NULL REFERENCES pull ON DELETE CASCADE,
  user_id INTEGER NOT NULL, body TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL);
CREATE TABLE review (
  id INTEGER PRIMARY KEY AUTOINCREMENT, pull_id INTEGER NOT NULL REFERENCES pull ON DELETE CASCADE,
  user_id INTEGER NOT NULL, state TEXT NOT NULL, body TEXT NOT NULL, sha TEXT NOT NULL, official INTEGER NOT NULL,
  dismissed INTEGER NOT NULL DEFAULT 0, comment_id INTEGER NOT NULL, created INTEGER NOT NULL,
  updated INTEGER NOT NULL);
CREATE TABLE status (
  id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repository ON DELETE CASCADE,
  sha TEXT NOT NULL, context TEXT NOT NULL, state TEXT NOT NULL, description TEXT NOT NULL,
  target_url TEXT NOT NULL, creator_id INTEGER, created INTEGER NOT NULL);
CREATE INDEX status_sha ON status (repo_id, sha);
CREATE TABLE release (
  id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repository ON DELETE CASCADE,
  tag TEXT NOT NULL, target TEXT NOT NULL DEFAULT '', title TEXT NOT NULL DEFAULT '', body TEXT NOT NULL DEFAULT '',
  draft INTEGER NOT NULL DEFAULT 0, prerelease INTEGER NOT NULL DEFAULT 0, only_tag INTEGER NOT NULL,
  author_id INTEGER NOT NULL, created INTEGER NOT NULL, UNIQUE (repo_id, tag));
CREATE TABLE hook (
  id INTEGER PRIMARY KEY AUTOINCREMENT, owner_id INTEGER REFERENCES account ON DELETE CASCADE,
  repo_id INTEGER REFERENCES repository ON DELETE CASCADE, kind TEXT NOT NULL, url TEXT NOT NULL,
  content_type TEXT NOT NULL, secret TEXT NOT NULL, events TEXT NOT NULL, branch_filter TEXT NOT NULL DEFAULT '',
  authorization TEXT NOT NULL DEFAULT '', active INTEGER NOT NULL, created INTEGER NOT NULL,
  updated INTEGER NOT NULL);
CREATE TABLE delivery (
  id INTEGER PRIMARY KEY AUTOINCREMENT, hook_id INTEGER NOT NULL REFERENCES hook ON DELETE CASCADE,
  uuid TEXT NOT NULL, event TEXT NOT NULL, event_type TEXT NOT NULL, payload TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL, state TEXT NOT NULL DEFAULT 'waiting',
  answer INTEGER, created INTEGER NOT NULL);
CREATE INDEX delivery_due ON delivery (state, due);
CREATE TABLE variable (
  owner_id INTEGER NOT NULL, repo_id INTEGER NOT NULL, name TEXT NOT NULL, data TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '', id INTEGER PRIMARY KEY AUTOINCREMENT, UNIQUE (owner_id, repo_id, name));
CREATE TABLE secret (
  owner_id INTEGER NOT NULL, repo_id INTEGER NOT NULL, name TEXT NOT NULL, box BLOB NOT NULL,
  description TEXT NOT NULL DEFAULT '', created INTEGER NOT NULL, id INTEGER PRIMARY KEY AUTOINCREMENT,
  UNIQUE (owner_id, repo_id, name));
CREATE TABLE workflow_off (
  repo_id INTEGER NOT NULL REFERENCES repository ON DELETE CASCADE, file TEXT NOT NULL, PRIMARY KEY (repo_id, file));
CREATE TABLE run (
  id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repository ON DELETE CASCADE,
  number INTEGER NOT NULL, file TEXT NOT NULL, title TEXT NOT NULL, event TEXT NOT NULL, ref TEXT NOT NULL,
  sha TEXT NOT NULL, code_sha TEXT NOT NULL, actor_id INTEGER NOT NULL, payload TEXT NOT NULL, name TEXT NOT NULL,
  status TEXT NOT NULL, conclusion TEXT, attempt INTEGER NOT NULL DEFAULT 0, base_url TEXT NOT NULL,
  created INTEGER NOT NULL, started INTEGER, ended INTEGER, updated INTEGER NOT NULL);
CREATE INDEX run_repo ON run (repo_id, id);
CREATE TABLE job (
  id INTEGER PRIMARY KEY AUTOINCREMENT, run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  repo_id INTEGER NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL, needs TEXT NOT NULL, labels TEXT NOT NULL,
  spec TEXT NOT NULL, status TEXT NOT NULL, conclusion TEXT, runner_id INTEGER, attempt INTEGER NOT NULL DEFAULT 0,
  token_id INTEGER, cancel INTEGER NOT NULL DEFAULT 0, lines INTEGER NOT NULL DEFAULT 0, task_id INTEGER,
  created INTEGER NOT NULL, started INTEGER, ended INTEGER, heard INTEGER);
CREATE INDEX job_status ON job (status);
CREATE INDEX job_run ON job (run_id);
CREATE TABLE step (
  job_id INTEGER NOT NULL REFERENCES job ON DELETE CASCADE, number INTEGER NOT NULL, name TEXT NOT NULL,
  status TEXT NOT NULL, conclusion TEXT, started INTEGER, ended INTEGER, first_line INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (job_id, number)) WITHOUT ROWID;
CREATE TABLE runner (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, digest TEXT NOT NULL UNIQUE, labels TEXT NOT NULL,
  owner_id INTEGER NOT NULL DEFAULT 0, repo_id INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL,
  heard INTEGER NOT NULL);
CREATE TABLE registration (
  token TEXT PRIMARY KEY, owner_id INTEGER NOT NULL, repo_id INTEGER NOT NULL, created INTEGER NOT NULL);
CREATE TABLE schedule (
  repo_id INTEGER NOT NULL REFERENCES repository ON DELETE CASCADE, file TEXT NOT NULL, cron TEXT NOT NULL,
  due INTEGER NOT NULL, PRIMARY KEY (repo_id, file, cron)) WITHOUT ROWID;
"""

VERSIONS: tuple[str, ...] = (_FIRST,)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the database to the newest version; runs inside the caller's transaction."""
    seen = connection.execute("PRAGMA user_version").fetchone()[0]
    for number, script in enumerate(VERSIONS[seen:], start=seen + 1):
        for statement in filter(str.strip, script.split(";")):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
