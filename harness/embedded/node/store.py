"""What the node remembers: records by kind and key, and the lines of task logs, in one SQLite file.

Every write is a transaction of its own, so that a node killed at any moment finds either the old record or the new
one. Records are read from memory; a record that was handed out is never changed in place, only replaced.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Record = Mapping[str, Any]


class Store:
    """The database; ``path`` None keeps everything in memory, for tests."""

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.RLock()
        self._database = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS record (kind TEXT, key TEXT, value TEXT, PRIMARY KEY (kind, key))"
        )
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS line (upid TEXT, n INTEGER, text TEXT, PRIMARY KEY (upid, n))"
        )
        self._tables: dict[str, Table] = {}

    def table(self, kind: str) -> Table:
        """All records of one kind."""
        with self._lock:
            if kind not in self._tables:
                self._tables[kind] = Table(self, kind)
            return self._tables[kind]

    def rows(self, kind: str) -> dict[str, Record]:
        """The records of a kind as stored."""
        with self._lock:
            found = self._database.execute("SELECT key, value FROM record WHERE kind = ?", (kind,)).fetchall()
        return {key: json.loads(value) for key, value in found}

    def write(self, kind: str, key: str, value: Record | None) -> None:
        """Replace one record, or remove it when ``value`` is None."""
        with self._lock:
            if value is None:
                self._database.execute("DELETE FROM record WHERE kind = ? AND key = ?", (kind, key))
            else:
                self._database.execute("REPLACE INTO record VALUES (?, ?, ?)", (kind, key, json.dumps(value)))

    def append_line(self, upid: str, number: int, text: str) -> None:
        """Add line ``number`` (from 1) to a task's log."""
        with self._lock:
            self._database.execute("REPLACE INTO line VALUES (?, ?, ?)", (upid, number, text))

    def lines(self, upid: str, start: int = 0, limit: int | None = None) -> list[tuple[int, str]]:
        """Numbered lines of a log, ``limit`` of them after the first ``start``."""
        query = "SELECT n, text FROM line WHERE upid = ? ORDER BY n LIMIT ? OFFSET ?"
        with self._lock:
            return self._database.execute(query, (upid, -1 if limit is None else limit, start)).fetchall()

    def line_count(self, upid: str) -> int:
        """How many lines a log has."""
        with self._lock:
            return int(self._database.execute("SELECT count(*) FROM line WHERE upid = ?", (upid,)).fetchone()[0])

    def close(self) -> None:
        """Close the file; nothing may be read or written afterwards."""
        with self._lock:
            self._database.close()


class Table:
    """The records of one kind, by key, in the order in which they were first written."""

    def __init__(self, store: Store, kind: str) -> None:
        self._store = store
        self._kind = kind
        self._rows: dict[str, Record] = store.rows(kind)
        self.version = 0
        """Grows with every write, for whoever keeps something that depends on the records."""

    def get(self, key: str) -> Record | None:
        """The record, or None."""
        return self._rows.get(key)

    def __getitem__(self, key: str) -> Record:
        return self._rows[key]

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._rows))

    def __len__(self) -> int:
        return len(self._rows)

    def items(self) -> list[tuple[str, Record]]:
        """All records with their keys."""
        return list(self._rows.items())

    def put(self, key: str, value: Record) -> None:
        """Write a record."""
        self._store.write(self._kind, key, value)
        self._rows[key] = value
        self.version += 1

    def change(self, key: str, **fields: Any) -> None:
        """Replace some fields of a record; a field that is None goes."""
        merged = {**self._rows.get(key, {}), **fields}
        self.put(key, {name: value for name, value in merged.items() if value is not None})

    def delete(self, key: str) -> None:
        """Remove a record; a missing one is no error."""
        self._store.write(self._kind, key, None)
        self._rows.pop(key, None)
        self.version += 1
