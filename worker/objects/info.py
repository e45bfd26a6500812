"""What S3 says about one object: its size and ETag, and whether it can be read now."""

from collections.abc import Mapping
from dataclasses import dataclass
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

    @property
    def address(self) -> str:
        """The object as people know it, ``s3://bucket/key``."""
        return f"s3://{self.bucket}/{self.key}"


def archive_of(reply: Mapping[str, Any]) -> str | None:
    """The archive that an object is in, if it cannot be read now.

    Args:
        reply: to a request for the object's head.

    Returns:
        The name of the archive and whether the object is being restored; ``None`` if the object
        or a restored copy of it can be read.
    """
    restore = str(reply.get("Restore", ""))
    archive = reply.get("ArchiveStatus") or reply.get("StorageClass")
    archived = "ArchiveStatus" in reply or archive in _ARCHIVES
    if not archived or _RESTORED in restore:
        return None
    return f"{archive}, being restored" if restore else str(archive)
