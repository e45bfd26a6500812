"""The steps of which changes of the catalogue are made, each inside a transaction."""

import json
from typing import Any, Final

from api.s3.blobs import Blob
from api.s3.catalogue.database import Run
from api.s3.catalogue.records import Condition, StoredObject, StoredPart, StoredUpload
from api.s3.errors import no_such_bucket, no_such_upload

#: The columns of an object, in the order in which they are decoded.
OBJECT: Final = "key, size, etag, modified_s, headers, blobs"


def require_bucket(run: Run, bucket: str) -> None:
    """Refuse a change in a bucket that is not there."""
    if not run("SELECT 1 FROM buckets WHERE name = ?", bucket):
        raise no_such_bucket(bucket)


def require_upload(run: Run, bucket: str, key: str, upload_id: str) -> StoredUpload:
    """Find an upload, or refuse a change of it."""
    require_bucket(run, bucket)
    where = "bucket = ? AND key = ? AND id = ?"
    found = run(f"SELECT started_s, headers FROM uploads WHERE {where}", bucket, key, upload_id)  # noqa: S608  # a constant
    if not found:
        raise no_such_upload(upload_id)
    started_s, headers = found[0]
    return StoredUpload(key, upload_id, started_s, json.loads(headers))


def put_object(
    run: Run, bucket: str, stored: StoredObject, condition: Condition
) -> tuple[Blob, ...]:
    """Let an object appear under a condition; the pieces of the one that it replaces."""
    require_bucket(run, bucket)
    where = (bucket, stored.key)
    old = run("SELECT etag, blobs FROM objects WHERE bucket = ? AND key = ?", *where)
    condition(old[0][0] if old else None)
    blobs = json.dumps([(blob.name, blob.size_bytes) for blob in stored.blobs])
    said = json.dumps(dict(stored.headers))
    row = (*where, stored.size_bytes, stored.etag, stored.modified_s, said, blobs)
    run("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?)", *row)
    return tuple(blob for _, freed in old for blob in decode_blobs(freed))


def drop_object(run: Run, bucket: str, key: str) -> tuple[Blob, ...]:
    """Delete an object, if it is there; its pieces."""
    old = run("SELECT blobs FROM objects WHERE bucket = ? AND key = ?", bucket, key)
    run("DELETE FROM objects WHERE bucket = ? AND key = ?", bucket, key)
    return tuple(blob for (blobs,) in old for blob in decode_blobs(blobs))


def drop_parts(run: Run, upload_id: str) -> list[Blob]:
    """Delete the parts of an upload; their pieces."""
    parts = find_parts(run, upload_id)
    run("DELETE FROM parts WHERE upload = ?", upload_id)
    return [part.blob for part in parts]


def find_parts(run: Run, upload_id: str) -> list[StoredPart]:
    """The parts of an upload, by their numbers."""
    rows = run(
        "SELECT number, etag, modified_s, blob, size FROM parts WHERE upload = ? ORDER BY number",
        upload_id,
    )
    return [StoredPart(n, etag, at, Blob(name, size)) for n, etag, at, name, size in rows]


def decode_object(row: tuple[Any, ...]) -> StoredObject:
    """One row of the columns in ``OBJECT``."""
    key, _, etag, modified_s, headers, blobs = row
    return StoredObject(key, etag, modified_s, json.loads(headers), decode_blobs(blobs))


def decode_blobs(text: str) -> tuple[Blob, ...]:
    """The pieces of an object, in order."""
    return tuple(Blob(name, size) for name, size in json.loads(text))
