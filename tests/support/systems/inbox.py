"""Drives an inbox in the test's own process: puts objects, lets upkeep look, works on imports."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, Self

from tests.support.servers.objects import list_objects
from tests.support.store.stores import PRODUCTION, new_list
from tests.support.systems.imports import Imports
from worker.inbox import look_into_inbox
from worker.inbox.objects import InboxObject
from worker.jobs.services import Services
from worker.objects import ObjectInfo, ObjectStore
from worker.store import Inbox, JobRef, JobState, ListRef
from worker.tasks.work import work_on


class DatedObjects(ObjectStore):
    """Objects that were put there at other times than now."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.ages_ms: dict[str, int] = {}

    def head(self, key: str, *, bucket: str | None = None, briefly: bool = False) -> ObjectInfo:
        return self._dated(super().head(key, bucket=bucket, briefly=briefly))

    def list_page(
        self, prefix: str, after: str = "", *, bucket: str | None = None
    ) -> tuple[list[ObjectInfo], str | None]:
        page, following = super().list_page(prefix, after, bucket=bucket)
        return [self._dated(info) for info in page], following

    def _dated(self, info: ObjectInfo) -> ObjectInfo:
        modified_ms = (info.modified_ms or 0) - self.ages_ms.get(info.key, 0)
        return dataclasses.replace(info, modified_ms=modified_ms)


@dataclass(frozen=True, slots=True)
class InboxWorld:
    """An inbox over a real server and a real bucket."""

    imports: Imports
    services: Services
    objects: DatedObjects
    inbox: Inbox

    @classmethod
    def of(cls, imports: Imports) -> Self:
        """Turn on an inbox in the bucket."""
        services, bucket = imports.services, imports.services.objects.bucket
        settings = services.settings.model_copy(update={"inbox": f"s3://{bucket}/inbox"})
        dated = DatedObjects.open(settings)
        services = dataclasses.replace(services, settings=settings, objects=dated)
        return cls(imports, services, dated, Inbox(bucket, "inbox"))

    def changed(self, **settings: Any) -> Self:
        """The same with other settings."""
        changed = self.services.settings.model_copy(update=settings)
        return dataclasses.replace(
            self, services=dataclasses.replace(self.services, settings=changed)
        )

    def new_list(self, key: str) -> ListRef:
        return new_list(self.services.store, key)

    def put(self, rest: str, content: bytes, *, age_s: int = 0) -> InboxObject:
        """Put an object into the inbox, some time ago."""
        key = f"{self.inbox.prefix}{rest}"
        self.objects.ages_ms[key] = age_s * 1_000
        self.services.objects.put(self.inbox.bucket, key, content, "text/csv")
        return InboxObject(self.inbox, self.services.objects.head(key))

    def put_at_the_time_of(self, other: InboxObject, rest: str, content: bytes) -> InboxObject:
        """Put another object into the inbox at the same time, whatever second it is by now."""
        later_ms = (self.put(rest, content).info.modified_ms or 0) - (other.info.modified_ms or 0)
        key = f"{self.inbox.prefix}{rest}"
        self.objects.ages_ms[key] = later_ms
        return InboxObject(self.inbox, self.objects.head(key))

    def look(self) -> int:
        """Let upkeep look at everything; how many imports it starts."""
        self.services.store.client.unlink(self.services.store.keyspace.turn("list_inbox"))
        return look_into_inbox(self.services)

    def state(self, obj: InboxObject) -> JobState:
        return self.services.store.jobs.get(JobRef("import", PRODUCTION, obj.import_id))

    def work(self) -> list[JobState]:
        """Look and work until nothing happens any more; the imports that ended, in their order."""
        ended: list[JobState] = []
        jobs = self.services.store.jobs
        while True:
            started = self.look()
            active = jobs.active(PRODUCTION)
            for ref in active:
                while jobs.is_active(ref):
                    work_on(self.services, ref)
                ended.append(jobs.get(ref))
            if not started and not active:
                return ended

    def keys(self, prefix: str) -> list[str]:
        """The keys below a prefix, without it."""
        found = list_objects(self.services.objects, prefix)
        return [info.key.removeprefix(prefix) for info in found]

    def reason(self) -> str:
        """Why the one object in ``inbox-failed`` is there."""
        (key,) = [key for key in self.keys("inbox-failed/") if key.endswith(".error.json")]
        info = self.services.objects.head(f"inbox-failed/{key}")
        text = b"".join(self.services.objects.read_range(info, 0, info.size_bytes))
        return str(json.loads(text)["reason"])

    def empty(self) -> None:
        """Remove what is in the inbox and beside it."""
        for prefix in ("inbox/", "inbox-done/", "inbox-failed/"):
            self.services.objects.delete_prefix(prefix)
