"""What S3 says about one object: its size and ETag, and whether it can be read now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

#: Source: S3 user guide, "Working with archived objects"; others' classes are read at once.
_ARCHIVES: Final = frozenset({"GLACIER", "DEEP_ARCHIVE"})
_RESTORED: Final = 'ongoing-request="false"'


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One state of one object, identified by its ETag."""

    bucket: str
    key: str
    """Exactly as S3 stores it."""
    size_bytes: int
    etag: str
    """With the quotes, as ``If-Match`` takes it; a new one means new content."""
    modified_ms: int | None = field(default=None, compare=False)
    """When it was put there, Unix ms, if that was asked; some services give whole seconds only."""

    @property
    def address(self) -> str:
        """The object as people know it, ``s3://bucket/key``."""
        return f"s3://{self.bucket}/{self.key}"


def unix_ms(moment: datetime) -> int:
    """A time that the service gave, as Unix milliseconds."""
    return int(moment.timestamp() * 1_000)


def archive_fault(reply: Mapping[str, Any]) -> str | None:
    """Why an object cannot be read now and what to do, if it is in an archive.

    Args:
        reply: to a request for the object's head.

    Returns:
        ``None`` if the object or a restored copy of it can be read.
    """
    restore = str(reply.get("Restore", ""))
    archive = reply.get("ArchiveStatus") or reply.get("StorageClass")
    archived = "ArchiveStatus" in reply or archive in _ARCHIVES
    if not archived or _RESTORED in restore:
        return None
    if restore:
        return f"it is archived ({archive}) and being restored; import it when it is"
    return f"it is archived ({archive}); restore it first"
