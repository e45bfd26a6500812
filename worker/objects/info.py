"""What is known of one object."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One state of one object: its ETag says which."""

    bucket: str
    """The bucket that holds it."""
    key: str
    """Its key, exactly as S3 has it."""
    size_bytes: int
    """How many bytes it has."""
    etag: str
    """Its ETag with the quotes, as ``If-Match`` takes it; a new one means new content."""
