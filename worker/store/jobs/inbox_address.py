"""Where the inbox is, and which keys of it belong together."""

from dataclasses import dataclass
from typing import Final

#: Project, environment and segment.
_NAMES: Final = 3


@dataclass(frozen=True, slots=True)
class Inbox:
    """A watched prefix of a bucket."""

    bucket: str
    folder: str
    """Without a slash at its end."""

    @classmethod
    def parse(cls, address: str) -> "Inbox":
        """Read the setting, which was checked."""
        bucket, _, folder = address.removeprefix("s3://").partition("/")
        return cls(bucket, folder.strip("/"))

    @property
    def prefix(self) -> str:
        """What all keys begin with."""
        return f"{self.folder}/"

    def holds(self, bucket: str, key: str) -> bool:
        """Whether an object is in the inbox."""
        return bucket == self.bucket and key.startswith(self.prefix)

    def rest_of(self, key: str) -> str:
        """A key without the prefix."""
        return key.removeprefix(self.prefix)

    def segment_of(self, key: str) -> tuple[str, str, str] | None:
        """The keys of project, environment and segment that a key names, if it is long enough."""
        parts = self.rest_of(key).split("/")
        if len(parts) <= _NAMES:
            return None
        project, environment, segment, *_ = parts
        return project, environment, segment

    def folder_of(self, key: str) -> str:
        """What the keys of all objects for the same segment begin with.

        Of a key that names no segment, the key itself.
        """
        segment = self.segment_of(key)
        return key if segment is None else self.prefix + "/".join([*segment, ""])
