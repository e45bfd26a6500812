"""Projects and environments as values, and the hashes of JSON in which they are stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from worker.store.errors import ResourceChanged
from worker.store.records import RecordCodec, stored
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database


@stored
@dataclass(frozen=True, slots=True)
class Project:
    """A project."""

    key: str
    name: str
    created_ms: int
    tags: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    """JSON that a dialect keeps with it; the store never reads it."""
    deletion: str | None = None
    """Which deletion removed it; what it held may not all be freed yet."""


@stored
@dataclass(frozen=True, slots=True)
class Environment:
    """An environment of a project."""

    key: str
    name: str
    created_ms: int
    tags: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    """JSON that a dialect keeps with it; the store never reads it."""
    sdk_key: str = field(default="", repr=False)
    """What its own SDK key begins with, masked; '' if none was issued. Older releases kept a key
    here that nothing accepts."""
    mobile_key: str = field(default="", repr=False)
    """Part of LaunchDarkly's form; it opens nothing here."""
    deletion: str | None = None
    """Which deletion removed it; what it held may not all be freed yet."""


Value = TypeVar("Value", Project, Environment)


@dataclass(frozen=True, slots=True)
class Record(Generic[Value]):
    """A project or environment, deleted or not, with its stored form."""

    text: bytes
    """What a write expects to replace."""
    value: Value


class RecordHash(Generic[Value]):
    """The projects of the store, or the environments of one project."""

    def __init__(self, database: Database, key: str, codec: RecordCodec[Value], name: str) -> None:
        self._db = database
        self._key = key
        self._codec: RecordCodec[Value] = codec
        self._name = name

    def find(self, key: str) -> Record[Value] | None:
        """Read a record. Cost: one round trip."""
        with driver_errors(f"look up {self._name}{key}"):
            text = self._db.client.hget(self._key, key)
        return None if text is None else self._record(key, text)

    def find_all(self) -> list[Record[Value]]:
        """All records, by key. Cost: one round trip."""
        with driver_errors(f"list records of {self._name.split()[0]}s"):
            found = self._db.client.hgetall(self._key)
        return [self._record(key.decode(), text) for key, text in sorted(found.items())]

    def read_all(self) -> list[Value]:
        """All that are not deleted, by key. Cost: one round trip."""
        return [record.value for record in self.find_all() if record.value.deletion is None]

    def list_keys(self) -> list[str]:
        """The keys of all records, in order. Cost: one round trip."""
        with driver_errors(f"list records of {self._name.split()[0]}s"):
            return sorted(key.decode() for key in self._db.client.hkeys(self._key))

    def is_empty(self) -> bool:
        """Whether there is no record, not even a deleted one. Cost: one round trip."""
        with driver_errors(f"count every {self._name}…"):
            return not self._db.client.hlen(self._key)

    def put(self, expected: Record[Value] | None, value: Value) -> bool:
        """Write a record in place of the expected one; ``False`` when that is not there.

        ``None`` expects that there is none.
        """
        text = b"" if expected is None else expected.text
        return self._replace(value.key, text, self._codec.encode(value))

    def remove(self, expected: Record[Value], *, keep_last: bool = False) -> bool:
        """Remove a record that is still as expected; ``False`` when it is not.

        Args:
            expected: the record.
            keep_last: keep it if it is the last one.
        """
        return self._replace(expected.value.key, expected.text, b"", keep_last=keep_last)

    def update(self, current: Value, changed: Value) -> None:
        """Change one that is still as it was read. Cost: two round trips.

        Raises:
            ResourceChanged: it is not; nothing was written. A retry after a lost answer may find
                its own change.
        """
        record = self.find(current.key)
        if record is None or record.value != current or not self.put(record, changed):
            message = f"{current.key} was changed at the same time; read it again"
            raise ResourceChanged(message)

    def _record(self, key: str, text: bytes) -> Record[Value]:
        return Record(text, self._codec.decode(text, f"{self._name}{key}", key=key))

    def _replace(self, key: str, expected: bytes, text: bytes, *, keep_last: bool = False) -> bool:
        arguments = (key, expected, text, int(keep_last))
        what = f"write {self._name}{key}"
        return bool(self._db.run(what, "project/put_record", [self._key], arguments))


_PROJECTS: Final = RecordCodec(Project, outside=["key"])
_ENVIRONMENTS: Final = RecordCodec(Environment, outside=["key"])


def project_records(database: Database) -> RecordHash[Project]:
    """The records of all projects."""
    return RecordHash(database, database.keys.projects(), _PROJECTS, "project ")


def environment_records(database: Database, project: str) -> RecordHash[Environment]:
    """The records of a project's environments."""
    key, name = database.keys.environments(project), f"environment {project}:"
    return RecordHash(database, key, _ENVIRONMENTS, name)
