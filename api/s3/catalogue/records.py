"""What the catalogue keeps: objects, unfinished uploads and their parts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from api.s3.blobs import Blob


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
