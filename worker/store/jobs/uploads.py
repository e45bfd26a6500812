"""Direct uploads: lists that clients send straight to the bucket, until an import takes them.

An upload is ``open`` while parts may arrive, ``complete`` once they are one object, and ``taken``
while an import that reads it is being admitted, and from then on; ``dropped`` while its object is
being deleted. Each step replaces the record of the one before and nothing else, so that of two
requests only one goes on: the object of an upload belongs to whoever made the last step.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

from worker.store.keyspace import EnvironmentRef
from worker.store.records import RecordCodec, stored
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database

UploadState = Literal["open", "complete", "taken", "dropped"]


@stored
@dataclass(frozen=True, slots=True)
class Upload:
    """One direct upload."""

    id: str
    state: UploadState
    owner: str
    """The list that it is for, as its dialect names it; a list created again has another name."""
    object_key: str
    filename: str
    part_bytes: int
    max_bytes: int
    created_ms: int
    expires_ms: int
    """When it is taken for abandoned."""
    size_bytes: int | None = None
    """Declared by the client; from its completion on, that of the object."""
    s3_id: str = ""
    """The id of the multipart upload; empty until S3 has begun it."""
    initiator: str = ""
    fingerprint: str = ""
    """The client's name for the content, by which it finds the upload again."""
    etag: str = ""
    """Of the object, once it is complete."""
    import_id: str = ""
    """Of the import that has taken it."""
    taken_ms: int = 0


_CODEC: Final = RecordCodec(Upload, outside=["id"])


class UploadStore:
    """The direct uploads of each environment.

    Every method may raise ``StoreUnavailable`` and is safe to retry.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, env: EnvironmentRef, upload: Upload, *, most: int) -> bool:
        """Record a new upload, unless the environment has the most already.

        Cost: three round trips.

        Returns:
            Whether it was recorded.
        """
        if not self._put(env, upload.id, b"", _CODEC.encode(upload)):
            return True  # by a try whose answer was lost
        with driver_errors(f"count uploads of {env.environment}"):
            count = self._db.client.hlen(self._db.keys.uploads(env))
        if count <= most:
            return True
        self.replace(env, upload, None)
        return False

    def find(self, env: EnvironmentRef, upload_id: str) -> Upload | None:
        """Read an upload. Cost: one round trip."""
        with driver_errors(f"read upload {upload_id}"):
            text = self._db.client.hget(self._db.keys.uploads(env), upload_id)
        return None if text is None else _decode(upload_id, text)

    def read_all(self, env: EnvironmentRef) -> list[Upload]:
        """All uploads of an environment, newest first. Cost: one round trip."""
        with driver_errors(f"list uploads of {env.environment}"):
            found = self._db.client.hgetall(self._db.keys.uploads(env))
        uploads = [_decode(name.decode(), text) for name, text in found.items()]
        return sorted(uploads, key=lambda upload: (-upload.created_ms, upload.id))

    def replace(self, env: EnvironmentRef, expected: Upload, changed: Upload | None) -> bool:
        """Replace an upload that is still as expected, or with ``None`` forget it.

        Cost: one round trip.

        Returns:
            Whether it was as expected; else nothing was written.
        """
        text = b"" if changed is None else _CODEC.encode(changed)
        return self._put(env, expected.id, _CODEC.encode(expected), text)

    def drop(self, env: EnvironmentRef, upload: Upload) -> Upload | None:
        """Take an upload from everybody, so that its object may be deleted. Cost: one round trip.

        Returns:
            What is then to be forgotten; ``None`` if it has changed since it was read.
        """
        if upload.state == "dropped":
            return upload
        dropped = replace(upload, state="dropped", expires_ms=0)
        return dropped if self.replace(env, upload, dropped) else None

    def _put(self, env: EnvironmentRef, upload_id: str, expected: bytes, text: bytes) -> bool:
        key, arguments = self._db.keys.uploads(env), (upload_id, expected, text, 0)
        what = f"write upload {upload_id}"
        return bool(self._db.run(what, "project/put_record", [key], arguments))


def _decode(upload_id: str, text: bytes) -> Upload:
    return _CODEC.decode(text, f"upload {upload_id}", id=upload_id)
