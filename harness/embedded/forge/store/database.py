"""One SQLite file in WAL mode: a connection for each thread, one writer at a time."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from harness.embedded.forge.store import schema

T = TypeVar("T")
_BUSY_SECONDS = 30.0


class Database:
    """Queries for rows as dataclasses; ``write()`` is a transaction that either happens whole or not at all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._writer = threading.RLock()
        self._depth = 0
        with self.write():
            schema.migrate(self.connection)

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = self._local.connection = self._open()
        return found

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None)
        connection.row_factory = sqlite3.Row
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "cache_size=-1024"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction; nested ones are part of the outermost."""
        with self._writer:
            connection = self.connection
            outermost = self._depth == 0
            if outermost:
                connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield connection
                self._end(connection, outermost, "COMMIT")
            except BaseException:
                self._end(connection, outermost, "ROLLBACK")
                raise

    def _end(self, connection: sqlite3.Connection, outermost: bool, how: str) -> None:
        self._depth -= 1
        if outermost and connection.in_transaction:
            connection.execute(how)

    def all(self, kind: type[T], sql: str, *values: Any) -> list[T]:
        """Every row as ``kind``, whose field names are the column names."""
        return [record(kind, row) for row in self.connection.execute(sql, values)]

    def one(self, kind: type[T], sql: str, *values: Any) -> T | None:
        """The first row as ``kind``, or ``None``."""
        row = self.connection.execute(sql, values).fetchone()
        return record(kind, row) if row else None

    def value(self, sql: str, *values: Any) -> Any:
        """The first column of the first row, or ``None``."""
        row = self.connection.execute(sql, values).fetchone()
        return row[0] if row else None

    def column(self, sql: str, *values: Any) -> list[Any]:
        """The first column of every row."""
        return [row[0] for row in self.connection.execute(sql, values)]

    def run(self, sql: str, *values: Any) -> int:
        """Change something in a transaction of its own (or the running one); the number of rows changed."""
        with self.write() as connection:
            return connection.execute(sql, values).rowcount

    def insert(self, table: str, **values: Any) -> int:
        """A new row; its id."""
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        with self.write() as connection:
            done = connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))  # noqa: S608
            return done.lastrowid or 0

    def update(self, table: str, key: int, **values: Any) -> None:
        """Change columns of the row with id ``key``."""
        if values:
            what = ", ".join(f"{name} = ?" for name in values)
            self.run(f"UPDATE {table} SET {what} WHERE id = ?", *values.values(), key)  # noqa: S608

    def close(self) -> None:
        """Close this thread's connection."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is not None:
            found.close()
            self._local.connection = None


def record(kind: type[T], row: sqlite3.Row) -> T:
    """``row`` as the dataclass ``kind``; columns that are declared ``bool`` become one."""
    values = []
    for field in fields(kind):  # type: ignore[arg-type]
        value = row[field.name]
        values.append(bool(value) if field.type == "bool" else value)
    return kind(*values)


def marks(values: Sequence[Any]) -> str:
    """As many question marks as ``values``."""
    return ", ".join("?" * len(values))
