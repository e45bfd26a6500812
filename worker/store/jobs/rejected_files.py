"""When the files of imports' rejected rows are to be deleted."""

from dataclasses import dataclass
from typing import Final

from worker.store.keyspace import EnvironmentRef, ListRef
from worker.store.server import Database, driver_errors

_FILES_PER_CALL: Final = 100
_NAMES_PER_CALL: Final = 1_000


@dataclass(frozen=True, slots=True)
class RejectedFileRef:
    """Names the file of one import; all that is needed to delete it once its record is gone."""

    list_ref: ListRef
    import_id: str

    def __str__(self) -> str:
        """As it is stored: ``project:environment:segment.g3:id``."""
        return f"{_prefix(self.list_ref)}{self.import_id}"

    @property
    def owner(self) -> tuple[str, str, str]:
        """Whose object the file is.

        The generation keeps the files of a deleted list apart from those of its successor.
        """
        return self.list_ref.project, self.list_ref.environment, self.list_ref.name

    @classmethod
    def parse(cls, text: str) -> "RejectedFileRef":
        """Read the stored form."""
        project, environment, name, import_id = text.split(":")
        segment, _, generation = name.rpartition(".g")
        return cls(ListRef(project, environment, segment, int(generation)), import_id)


class RejectedFiles:
    """Imports that may have such a file, by the time at which it is deleted.

    One is listed before its file is written, so that no crash leaves a file that nobody deletes.

    Every method may raise ``StoreUnavailable`` and is safe to retry. Cost: one round trip each,
    but for those that say otherwise.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, ref: RejectedFileRef, due_ms: int) -> None:
        """List a file, unless it is; then its time stays."""
        with driver_errors(f"record when the rejected rows of {ref.import_id} expire"):
            self._db.client.zadd(self._key, {str(ref): due_ms}, nx=True)

    def is_listed(self, ref: RejectedFileRef) -> bool:
        """Whether an import may have a file."""
        with driver_errors(f"look for the rejected rows of {ref.import_id}"):
            return self._db.client.zscore(self._key, str(ref)) is not None

    def expire(self, ref: RejectedFileRef, due_ms: int) -> None:
        """Change when a listed file is to be deleted."""
        with driver_errors(f"record when the rejected rows of {ref.import_id} expire"):
            self._db.client.zadd(self._key, {str(ref): due_ms}, xx=True)

    def expire_all(self, list_ref: ListRef) -> None:
        """Have all files of a deleted list deleted. Cost: a round trip for 1,000 files of any."""
        with driver_errors(f"expire the rejected rows of {list_ref.name}"):
            cursor, pattern = 0, f"{_prefix(list_ref)}*"
            while True:
                cursor, found = self._db.client.zscan(
                    self._key, cursor, match=pattern, count=_NAMES_PER_CALL
                )
                due = {name.decode(): 0.0 for name, _ in found}
                if due:
                    self._db.client.zadd(self._key, due, xx=True)
                if cursor == 0:
                    return

    def listed(self, env: EnvironmentRef) -> list[RejectedFileRef]:
        """All files of an environment. Cost: a round trip for 1,000 files of any."""
        own, names, cursor = f"{env.project}:{env.environment}:", set[str](), 0
        with driver_errors(f"list the rejected rows of {env.environment}"):
            while True:
                cursor, found = self._db.client.zscan(self._key, cursor, count=_NAMES_PER_CALL)
                names |= {name.decode() for name, _ in found}
                if not cursor:
                    break
        return [RejectedFileRef.parse(name) for name in sorted(names) if name.startswith(own)]

    def expired(self, now_ms: int) -> list[RejectedFileRef]:
        """The files that are due to be deleted, at most 100."""
        with driver_errors("list expired files of rejected rows"):
            found = self._db.client.zrangebyscore(
                self._key, 0, now_ms, start=0, num=_FILES_PER_CALL
            )
        return [RejectedFileRef.parse(text.decode()) for text in found]

    def forget(self, ref: RejectedFileRef) -> None:
        """Record that a file is deleted; idempotent."""
        with driver_errors(f"forget the rejected rows of {ref.import_id}"):
            self._db.client.zrem(self._key, str(ref))

    @property
    def _key(self) -> str:
        return self._db.keys.expiring_rejected()


def _prefix(list_ref: ListRef) -> str:
    return f"{list_ref.project}:{list_ref.environment}:{list_ref.name}:"
