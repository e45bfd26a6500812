"""The catalogue of buckets, objects and unfinished uploads, in SQLite.

A change is one transaction, so that a kill leaves the state before it or after it. What a
change leaves without a name is handed back: the caller deletes those pieces afterwards.
"""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from api.s3.blobs import Blob
from api.s3.errors import S3Refusal, no_such_bucket, no_such_key, no_such_upload

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
#: Is in no key and sorts after every other: what starts with a prefix ends before prefix + this.
LAST_CHARACTER: Final = "\U0010ffff"
_OBJECT: Final = "key, size, etag, modified_s, headers, blobs"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as the catalogue has it.

    Attributes:
        key: its key.
        etag: without quotes.
        modified_s: when it was written, in seconds of Unix time.
        headers: what its writer said of it, to be said to its readers.
        blobs: its pieces, in order.
    """

    key: str
    etag: str
    modified_s: float
    headers: Mapping[str, str]
    blobs: tuple[Blob, ...]

    @property
    def size_bytes(self) -> int:
        """Length of all its pieces."""
        return sum(blob.size_bytes for blob in self.blobs)


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """One unfinished multipart upload."""

    key: str
    upload_id: str
    started_s: float
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StoredPart:
    """One part of an unfinished upload."""

    number: int
    etag: str
    modified_s: float
    blob: Blob


#: Refuses to replace an object, given its ETag now; ``None`` where there is none.
Condition = Callable[[str | None], None]


class Catalogue:
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

    def make_bucket(self, bucket: str, now_s: float) -> None:
        """Make a bucket; one that is there stays as it is."""
        with self._changing() as run:
            run("INSERT OR IGNORE INTO buckets VALUES (?, ?)", bucket, now_s)

    def delete_bucket(self, bucket: str) -> tuple[Blob, ...]:
        """Delete an empty bucket and its unfinished uploads.

        Returns:
            Pieces without a name.

        Raises:
            S3Refusal: it is not there, or not empty.
        """
        with self._changing() as run:
            _require_bucket(run, bucket)
            if run("SELECT 1 FROM objects WHERE bucket = ? LIMIT 1", bucket):
                raise S3Refusal(409, "BucketNotEmpty", f"bucket {bucket} holds objects")
            uploads = run("SELECT id FROM uploads WHERE bucket = ?", bucket)
            freed = [blob for (upload_id,) in uploads for blob in _drop_parts(run, upload_id)]
            run("DELETE FROM uploads WHERE bucket = ?", bucket)
            run("DELETE FROM buckets WHERE name = ?", bucket)
        return tuple(freed)

    def buckets(self) -> list[tuple[str, float]]:
        """List all buckets with the times they were made."""
        return [(name, made_s) for name, made_s in self._read("SELECT name, made_s FROM buckets")]

    def require_bucket(self, bucket: str) -> None:
        """Check that a bucket is there.

        Raises:
            S3Refusal: it is not.
        """
        with self._changing() as run:
            _require_bucket(run, bucket)

    def find(self, bucket: str, key: str) -> StoredObject:
        """Find an object.

        Raises:
            S3Refusal: there is none, or no such bucket.
        """
        found = self._read(
            f"SELECT {_OBJECT} FROM objects WHERE bucket = ? AND key = ?",  # noqa: S608  # a constant
            bucket,
            key,
        )
        if not found:
            self.require_bucket(bucket)
            raise no_such_key(key)
        return _object(found[0])

    def after(self, bucket: str, prefix: str, after: str, *, limit: int) -> list[StoredObject]:
        """List objects below a prefix in the order of their keys' bytes.

        Args:
            bucket: an existing bucket.
            prefix: which the keys start with.
            after: keys up to this one are left out; the empty text leaves out none.
            limit: the most objects listed.
        """
        rows = self._read(
            f"SELECT {_OBJECT} FROM objects WHERE bucket = ? AND key >= ? AND key < ? "  # noqa: S608  # a constant
            "AND key > ? ORDER BY key LIMIT ?",
            *(bucket, prefix, prefix + LAST_CHARACTER, after, limit),
        )
        return [_object(row) for row in rows]

    def put(self, bucket: str, stored: StoredObject, condition: Condition) -> tuple[Blob, ...]:
        """Let an object appear, in place of an older one.

        Returns:
            Pieces without a name.

        Raises:
            S3Refusal: the condition does not hold, or there is no such bucket.
        """
        with self._changing() as run:
            return _put(run, bucket, stored, condition)

    def put_headers(self, bucket: str, key: str, headers: Mapping[str, str]) -> None:
        """Change what is kept with an object and belongs to no state of its content.

        Raises:
            S3Refusal: there is no such object.
        """
        with self._changing() as run:
            where = (bucket, key)
            found = run("SELECT headers FROM objects WHERE bucket = ? AND key = ?", *where)
            if not found:
                raise no_such_key(key)
            kept = json.dumps({**json.loads(found[0][0]), **headers})
            run("UPDATE objects SET headers = ? WHERE bucket = ? AND key = ?", kept, *where)

    def delete(
        self, bucket: str, keys: Sequence[str], condition: Condition | None = None
    ) -> tuple[Blob, ...]:
        """Delete objects; missing ones are no error.

        Args:
            bucket: an existing bucket.
            keys: of the objects.
            condition: under which they are deleted, each.

        Returns:
            Pieces without a name.

        Raises:
            S3Refusal: there is no such bucket, or the condition does not hold.
        """
        with self._changing() as run:
            _require_bucket(run, bucket)
            for key in keys if condition else ():
                old = run("SELECT etag FROM objects WHERE bucket = ? AND key = ?", bucket, key)
                if condition and old:
                    condition(old[0][0])
            return tuple(blob for key in keys for blob in _drop_object(run, bucket, key))

    def start_upload(self, bucket: str, upload: StoredUpload) -> None:
        """Start a multipart upload.

        Raises:
            S3Refusal: there is no such bucket.
        """
        headers = json.dumps(dict(upload.headers))
        with self._changing() as run:
            _require_bucket(run, bucket)
            row = (bucket, upload.key, upload.upload_id, upload.started_s, headers)
            run("INSERT INTO uploads VALUES (?, ?, ?, ?, ?)", *row)

    def put_part(self, bucket: str, key: str, upload_id: str, part: StoredPart) -> tuple[Blob, ...]:
        """Add a part to an upload, in place of an older one of its number.

        Returns:
            Pieces without a name.

        Raises:
            S3Refusal: there is no such upload.
        """
        with self._changing() as run:
            _require_upload(run, bucket, key, upload_id)
            where = (upload_id, part.number)
            old = run("SELECT blob, size FROM parts WHERE upload = ? AND number = ?", *where)
            row = (*where, part.etag, part.modified_s, part.blob.name, part.blob.size_bytes)
            run("INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?)", *row)
        return tuple(Blob(*line) for line in old)

    def upload_parts(
        self, bucket: str, key: str, upload_id: str
    ) -> tuple[StoredUpload, list[StoredPart]]:
        """Find an upload and its parts by their numbers.

        Raises:
            S3Refusal: there is no such upload.
        """
        with self._changing() as run:
            return _require_upload(run, bucket, key, upload_id), _parts(run, upload_id)

    def uploads(
        self, bucket: str, prefix: str, after: tuple[str, str], *, limit: int
    ) -> list[StoredUpload]:
        """List unfinished uploads below a prefix, by key and id.

        Args:
            bucket: an existing bucket.
            prefix: which the keys start with.
            after: key and id of the last upload that is left out.
            limit: the most uploads listed.
        """
        rows = self._read(
            "SELECT key, id, started_s, headers FROM uploads WHERE bucket = ? "
            "AND key >= ? AND key < ? AND (key, id) > (?, ?) ORDER BY key, id LIMIT ?",
            *(bucket, prefix, prefix + LAST_CHARACTER, *after, limit),
        )
        return [StoredUpload(k, i, s, json.loads(h)) for k, i, s, h in rows]

    def complete_upload(
        self, bucket: str, upload_id: str, stored: StoredObject, condition: Condition
    ) -> tuple[Blob, ...]:
        """Let the object of an upload appear, made of parts of it, and end the upload.

        Returns:
            Pieces without a name.

        Raises:
            S3Refusal: there is no such upload, one of the parts has been sent again meanwhile,
                or the condition does not hold.
        """
        with self._changing() as run:
            _require_upload(run, bucket, stored.key, upload_id)
            parts = set(_drop_parts(run, upload_id))
            if not parts.issuperset(stored.blobs):
                raise S3Refusal(400, "InvalidPart", "a part was sent again; complete it again")
            freed = parts.union(_put(run, bucket, stored, condition))
            run("DELETE FROM uploads WHERE id = ?", upload_id)
        return tuple(freed - set(stored.blobs))

    def abort_upload(self, bucket: str, key: str, upload_id: str) -> tuple[Blob, ...]:
        """End an upload without an object.

        Returns:
            Pieces without a name.

        Raises:
            S3Refusal: there is no such upload.
        """
        with self._changing() as run:
            _require_upload(run, bucket, key, upload_id)
            freed = _drop_parts(run, upload_id)
            run("DELETE FROM uploads WHERE id = ?", upload_id)
        return tuple(freed)

    def drop_uploads_before(self, started_s: float) -> int:
        """End the uploads that were started before a time; their pieces have no name then."""
        with self._changing() as run:
            old = run("SELECT id FROM uploads WHERE started_s < ?", started_s)
            for (upload_id,) in old:
                run("DELETE FROM parts WHERE upload = ?", upload_id)
                run("DELETE FROM uploads WHERE id = ?", upload_id)
        return len(old)

    def drop_damaged(self, is_whole: Callable[[Sequence[Blob]], bool]) -> list[str]:
        """Forget the objects and parts whose pieces are not whole.

        Returns:
            Bucket and key of each such object.
        """
        lost = []
        with self._changing() as run:
            for bucket, key, blobs in run("SELECT bucket, key, blobs FROM objects"):
                if not is_whole(_blobs(blobs)):
                    run("DELETE FROM objects WHERE bucket = ? AND key = ?", bucket, key)
                    lost.append(f"{bucket}/{key}")
            for upload, number, *blob in run("SELECT upload, number, blob, size FROM parts"):
                if not is_whole([Blob(*blob)]):
                    run("DELETE FROM parts WHERE upload = ? AND number = ?", upload, number)
        return lost

    def blob_names(self) -> frozenset[str]:
        """Name every piece that an object or a part is made of."""
        objects = self._read("SELECT blobs FROM objects")
        names = {blob.name for (blobs,) in objects for blob in _blobs(blobs)}
        return frozenset(names | {name for (name,) in self._read("SELECT blob FROM parts")})

    def _read(self, statement: str, *values: str | float) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._database.execute(statement, values).fetchall()

    @contextmanager
    def _changing(self) -> Iterator["_Run"]:
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


_Run = Callable[..., list[tuple[Any, ...]]]


def _require_bucket(run: _Run, bucket: str) -> None:
    if not run("SELECT 1 FROM buckets WHERE name = ?", bucket):
        raise no_such_bucket(bucket)


def _require_upload(run: _Run, bucket: str, key: str, upload_id: str) -> StoredUpload:
    _require_bucket(run, bucket)
    where = "bucket = ? AND key = ? AND id = ?"
    found = run(f"SELECT started_s, headers FROM uploads WHERE {where}", bucket, key, upload_id)  # noqa: S608  # a constant
    if not found:
        raise no_such_upload(upload_id)
    started_s, headers = found[0]
    return StoredUpload(key, upload_id, started_s, json.loads(headers))


def _put(run: _Run, bucket: str, stored: StoredObject, condition: Condition) -> tuple[Blob, ...]:
    _require_bucket(run, bucket)
    where = (bucket, stored.key)
    old = run("SELECT etag, blobs FROM objects WHERE bucket = ? AND key = ?", *where)
    condition(old[0][0] if old else None)
    blobs = json.dumps([(blob.name, blob.size_bytes) for blob in stored.blobs])
    said = json.dumps(dict(stored.headers))
    row = (*where, stored.size_bytes, stored.etag, stored.modified_s, said, blobs)
    run("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?)", *row)
    return tuple(blob for _, freed in old for blob in _blobs(freed))


def _drop_object(run: _Run, bucket: str, key: str) -> tuple[Blob, ...]:
    old = run("SELECT blobs FROM objects WHERE bucket = ? AND key = ?", bucket, key)
    run("DELETE FROM objects WHERE bucket = ? AND key = ?", bucket, key)
    return tuple(blob for (blobs,) in old for blob in _blobs(blobs))


def _drop_parts(run: _Run, upload_id: str) -> list[Blob]:
    parts = _parts(run, upload_id)
    run("DELETE FROM parts WHERE upload = ?", upload_id)
    return [part.blob for part in parts]


def _parts(run: _Run, upload_id: str) -> list[StoredPart]:
    rows = run(
        "SELECT number, etag, modified_s, blob, size FROM parts WHERE upload = ? ORDER BY number",
        upload_id,
    )
    return [StoredPart(n, etag, at, Blob(name, size)) for n, etag, at, name, size in rows]


def _object(row: tuple[Any, ...]) -> StoredObject:
    key, _, etag, modified_s, headers, blobs = row
    return StoredObject(key, etag, modified_s, json.loads(headers), _blobs(blobs))


def _blobs(text: str) -> tuple[Blob, ...]:
    return tuple(Blob(name, size) for name, size in json.loads(text))
