"""One SQLite file with the tables of the catalogue."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, made_s REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT, key TEXT, size INTEGER NOT NULL, etag TEXT NOT NULL, modified_s REAL NOT NULL,
    headers TEXT NOT NULL, blobs TEXT NOT NULL, PRIMARY KEY (bucket, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uploads (
    bucket TEXT, key TEXT, id TEXT, started_s REAL NOT NULL, headers TEXT NOT NULL,
    PRIMARY KEY (bucket, key, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS parts (
    upload TEXT, number INTEGER, etag TEXT NOT NULL, modified_s REAL NOT NULL,
    blob TEXT NOT NULL, size INTEGER NOT NULL, PRIMARY KEY (upload, number)) WITHOUT ROWID;
"""

Run = Callable[..., list[tuple[Any, ...]]]
"""Runs a statement with its values inside a transaction, and gives its rows."""


class Database:
    """One SQLite file; safe to share between threads.

    Args:
        path: the file; made if it is missing.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        # A commit need not reach the disk: a power cut may take the last ones, never a part of one.
        self._database.executescript(
            f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {_TABLES}"
        )

    def close(self) -> None:
        """Close the file, after the change that is under way."""
        with self._lock:
            self._database.close()

    def read(self, statement: str, *values: str | float) -> list[tuple[Any, ...]]:
        """Run one statement that changes nothing."""
        with self._lock:
            return self._database.execute(statement, values).fetchall()

    @contextmanager
    def changing(self) -> Iterator[Run]:
        """Run statements as one transaction, which an error in the block undoes."""

        def run(statement: str, *values: str | float) -> list[tuple[Any, ...]]:
            return self._database.execute(statement, values).fetchall()

        with self._lock:
            run("BEGIN IMMEDIATE")
            try:
                yield run
            except BaseException:
                run("ROLLBACK")
                raise
            run("COMMIT")
