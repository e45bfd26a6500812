"""The catalogue of buckets, objects and unfinished uploads, in SQLite.

A change is one transaction, so that a kill leaves the state before it or after it. What a
change leaves without a name is handed back: the caller deletes those pieces afterwards.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from api.s3.blobs import Blob
from api.s3.catalogue.database import Database
from api.s3.catalogue.records import Condition, StoredObject, StoredPart, StoredUpload
from api.s3.catalogue.rows import (
    OBJECT,
    decode_blobs,
    decode_object,
    drop_object,
    drop_parts,
    find_parts,
    put_object,
    require_bucket,
    require_upload,
)
from api.s3.errors import S3Refusal, no_such_key

#: Is in no key and sorts after every other: what starts with a prefix ends before prefix + this.
LAST_CHARACTER: Final = "\U0010ffff"


class Catalogue:
    """One SQLite file; safe to share between threads.

    Args:
        path: the file; made if it is missing.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path)

    def close(self) -> None:
        """Close the file, after the change that is under way."""
        self._database.close()

    def make_bucket(self, bucket: str, now_s: float) -> None:
        """Make a bucket; one that is there stays as it is."""
        with self._database.changing() as run:
            run("INSERT OR IGNORE INTO buckets VALUES (?, ?)", bucket, now_s)

    def delete_bucket(self, bucket: str) -> tuple[Blob, ...]:
        """Delete an empty bucket and its unfinished uploads.

        Returns:
            Pieces without a name.

        Raises:
            S3Refusal: it is not there, or not empty.
        """
        with self._database.changing() as run:
            require_bucket(run, bucket)
            if run("SELECT 1 FROM objects WHERE bucket = ? LIMIT 1", bucket):
                raise S3Refusal(409, "BucketNotEmpty", f"bucket {bucket} holds objects")
            uploads = run("SELECT id FROM uploads WHERE bucket = ?", bucket)
            freed = [blob for (upload_id,) in uploads for blob in drop_parts(run, upload_id)]
            run("DELETE FROM uploads WHERE bucket = ?", bucket)
            run("DELETE FROM buckets WHERE name = ?", bucket)
        return tuple(freed)

    def buckets(self) -> list[tuple[str, float]]:
        """List all buckets with the times they were made."""
        return [
            (name, made_s)
            for name, made_s in self._database.read("SELECT name, made_s FROM buckets")
        ]

    def require_bucket(self, bucket: str) -> None:
        """Check that a bucket is there.

        Raises:
            S3Refusal: it is not.
        """
        with self._database.changing() as run:
            require_bucket(run, bucket)

    def find(self, bucket: str, key: str) -> StoredObject:
        """Find an object.

        Raises:
            S3Refusal: there is none, or no such bucket.
        """
        found = self._database.read(
            f"SELECT {OBJECT} FROM objects WHERE bucket = ? AND key = ?",  # noqa: S608  # a constant
            bucket,
            key,
        )
        if not found:
            self.require_bucket(bucket)
            raise no_such_key(key)
        return decode_object(found[0])

    def after(self, bucket: str, prefix: str, after: str, *, limit: int) -> list[StoredObject]:
        """List objects below a prefix in the order of their keys' bytes.

        Args:
            bucket: an existing bucket.
            prefix: which the keys start with.
            after: keys up to this one are left out; the empty text leaves out none.
            limit: the most objects listed.
        """
        rows = self._database.read(
            f"SELECT {OBJECT} FROM objects WHERE bucket = ? AND key >= ? AND key < ? "  # noqa: S608  # a constant
            "AND key > ? ORDER BY key LIMIT ?",
            *(bucket, prefix, prefix + LAST_CHARACTER, after, limit),
        )
        return [decode_object(row) for row in rows]

    def put(self, bucket: str, stored: StoredObject, condition: Condition) -> tuple[Blob, ...]:
        """Let an object appear, in place of an older one.

        Returns:
            Pieces without a name.

        Raises:
            S3Refusal: the condition does not hold, or there is no such bucket.
        """
        with self._database.changing() as run:
            return put_object(run, bucket, stored, condition)

    def put_headers(self, bucket: str, key: str, headers: Mapping[str, str]) -> None:
        """Change what is kept with an object and belongs to no state of its content.

        Raises:
            S3Refusal: there is no such object.
        """
        with self._database.changing() as run:
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
        with self._database.changing() as run:
            require_bucket(run, bucket)
            for key in keys if condition else ():
                old = run("SELECT etag FROM objects WHERE bucket = ? AND key = ?", bucket, key)
                if condition and old:
                    condition(old[0][0])
            return tuple(blob for key in keys for blob in drop_object(run, bucket, key))

    def start_upload(self, bucket: str, upload: StoredUpload) -> None:
        """Start a multipart upload.

        Raises:
            S3Refusal: there is no such bucket.
        """
        headers = json.dumps(dict(upload.headers))
        with self._database.changing() as run:
            require_bucket(run, bucket)
            row = (bucket, upload.key, upload.upload_id, upload.started_s, headers)
            run("INSERT INTO uploads VALUES (?, ?, ?, ?, ?)", *row)

    def put_part(self, bucket: str, key: str, upload_id: str, part: StoredPart) -> tuple[Blob, ...]:
        """Add a part to an upload, in place of an older one of its number.

        Returns:
            Pieces without a name.

        Raises:
            S3Refusal: there is no such upload.
        """
        with self._database.changing() as run:
            require_upload(run, bucket, key, upload_id)
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
        with self._database.changing() as run:
            return require_upload(run, bucket, key, upload_id), find_parts(run, upload_id)

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
        rows = self._database.read(
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
        with self._database.changing() as run:
            require_upload(run, bucket, stored.key, upload_id)
            parts = set(drop_parts(run, upload_id))
            if not parts.issuperset(stored.blobs):
                raise S3Refusal(400, "InvalidPart", "a part was sent again; complete it again")
            freed = parts.union(put_object(run, bucket, stored, condition))
            run("DELETE FROM uploads WHERE id = ?", upload_id)
        return tuple(freed - set(stored.blobs))

    def abort_upload(self, bucket: str, key: str, upload_id: str) -> tuple[Blob, ...]:
        """End an upload without an object.

        Returns:
            Pieces without a name.

        Raises:
            S3Refusal: there is no such upload.
        """
        with self._database.changing() as run:
            require_upload(run, bucket, key, upload_id)
            freed = drop_parts(run, upload_id)
            run("DELETE FROM uploads WHERE id = ?", upload_id)
        return tuple(freed)

    def drop_uploads_before(self, started_s: float) -> int:
        """End the uploads that were started before a time; their pieces have no name then."""
        with self._database.changing() as run:
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
        with self._database.changing() as run:
            for bucket, key, blobs in run("SELECT bucket, key, blobs FROM objects"):
                if not is_whole(decode_blobs(blobs)):
                    run("DELETE FROM objects WHERE bucket = ? AND key = ?", bucket, key)
                    lost.append(f"{bucket}/{key}")
            for upload, number, *blob in run("SELECT upload, number, blob, size FROM parts"):
                if not is_whole([Blob(*blob)]):
                    run("DELETE FROM parts WHERE upload = ? AND number = ?", upload, number)
        return lost

    def blob_names(self) -> frozenset[str]:
        """Name every piece that an object or a part is made of."""
        objects = self._database.read("SELECT blobs FROM objects")
        names = {blob.name for (blobs,) in objects for blob in decode_blobs(blobs)}
        return frozenset(
            names | {name for (name,) in self._database.read("SELECT blob FROM parts")}
        )
