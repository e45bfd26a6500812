"""One object of the inbox, in one state: its import's id, and where it goes."""

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from worker.objects import ObjectInfo
from worker.store import Inbox

Outcome = Literal["done", "failed"]

_LONGEST_KEY: Final = 1_000
_NAMESPACE: Final = uuid.UUID("6f6a1a0a-0a4e-5f0e-9d7b-1f3a52a6a1c7")


@dataclass(frozen=True, slots=True)
class InboxObject:
    """One state of an object, told by ETag and time: the same list may be put there again."""

    inbox: Inbox
    info: ObjectInfo

    @property
    def modified_ms(self) -> int:
        """When it was put there, Unix ms."""
        return self.info.modified_ms or 0

    @property
    def order(self) -> tuple[int, str]:
        """Objects of a segment are imported in this order."""
        return self.modified_ms, self.info.key

    @property
    def address(self) -> str:
        """Where it is."""
        return f"s3://{self.info.bucket}/{self.info.key}"

    @property
    def import_id(self) -> str:
        """The id of its import: the same for every process that sees this state of the object."""
        # Some services give milliseconds in listings and seconds in heads.
        state = [self.info.bucket, self.info.key, self.info.etag, self.modified_ms // 1_000]
        return str(uuid.uuid5(_NAMESPACE, json.dumps(state)))

    def is_state(self, found: ObjectInfo) -> bool:
        """Whether a look at the object found it in this state."""
        same_time = (found.modified_ms or 0) // 1_000 == self.modified_ms // 1_000
        return found == self.info and same_time

    def destination(self, outcome: Outcome) -> str:
        """The key to which it is moved: the same at each try."""
        folder, _, file = self.inbox.rest_of(self.info.key).rpartition("/")
        when = datetime.fromtimestamp(self.modified_ms // 1_000, UTC).strftime("%Y%m%dT%H%M%SZ")
        root = f"{self.inbox.folder}-{outcome}/{folder}".rstrip("/")
        key = f"{root}/{when}-{self.import_id}-{file}"
        if len(key.encode()) <= _LONGEST_KEY:
            return key
        digest = hashlib.sha256(self.info.key.encode()).hexdigest()[:16]
        return f"{self.inbox.folder}-{outcome}/{when}-{self.import_id}-{digest}"
