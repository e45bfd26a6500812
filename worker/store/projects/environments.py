"""Projects and their environments: the places where segments are."""

from collections.abc import Mapping
from typing import Any, Final

from worker.store.errors import (
    EnvironmentNotFound,
    ListUnknown,
    PlaceChanged,
    ProjectNotFound,
)
from worker.store.keyspace import Scope
from worker.store.projects.records import Place, PlaceRecord, decode, encode
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database

DEFAULT_PROJECT: Final = "default"
DEFAULT_ENVIRONMENTS: Final = ("production", "test")


class EnvironmentStore:
    """Which places there are, under one prefix.

    Deleted ones stay on record until all that they held is freed; nobody but upkeep sees
    them. Deleting itself is in ``worker.store.workflows.deleting``.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def initialise(self) -> None:
        """Make the project and environments of a store that has no project; idempotent.

        Raises:
            StoreUnavailable: no answer. Safe to retry.
        """
        with driver_errors("initialise the store"):
            if self._db.client.hlen(self._db.keys.projects()):
                return
        project = Place(DEFAULT_PROJECT, "Default", self._db.now_ms())
        for key in DEFAULT_ENVIRONMENTS:
            environment = self.new_environment(key, key.capitalize(), created_ms=project.created_ms)
            self.put(self._db.keys.environments(DEFAULT_PROJECT), key, None, encode(environment))
        self.put(self._db.keys.projects(), DEFAULT_PROJECT, None, encode(project))

    def new_environment(
        self,
        key: str,
        name: str,
        tags: tuple[str, ...] = (),
        details: Mapping[str, Any] | None = None,
        *,
        created_ms: int | None = None,
    ) -> Place:
        """An environment with keys for its SDKs; it is not stored.

        Those with one ``created_ms`` are listed in the order of their keys; without it, it is
        made now.
        """
        if created_ms is None:
            created_ms = self._db.now_ms()
        sdk_key, mobile_key = f"sdk-{self._db.random_name()}", f"mob-{self._db.random_name()}"
        return Place(key, name, created_ms, tags, details or {}, sdk_key, mobile_key)

    def scopes(self) -> list[Scope]:
        """Every environment of every project, also those whose deletion is not finished.

        Cost: one round trip a project.
        """
        with driver_errors("list the environments"):
            projects = sorted(
                key.decode() for key in self._db.client.hkeys(self._db.keys.projects())
            )
            return [
                Scope(project, key.decode())
                for project in projects
                for key in sorted(self._db.client.hkeys(self._db.keys.environments(project)))
            ]

    def require(self, scope: Scope) -> None:
        """Make sure that the environment exists. Cost: one round trip.

        Raises:
            ListUnknown: the store holds no project at all: it has lost its data.
            ProjectNotFound: no such project.
            EnvironmentNotFound: no such environment.
            StoreUnavailable: no answer. Safe to retry.
        """
        self.environment(scope)

    def environment(self, scope: Scope) -> Place:
        """Read an environment. Cost and errors: as :meth:`require`."""
        found = self.environment_record(scope)
        if found is not None and found.deletion is None:
            return found.place
        self.project(scope.project)
        message = f"project {scope.project} has no environment {scope.environment}"
        raise EnvironmentNotFound(message)

    def project(self, key: str) -> Place:
        """Read a project. Cost: one round trip.

        Raises:
            ListUnknown: the store holds no project at all: it has lost its data.
            ProjectNotFound: no such project.
            StoreUnavailable: no answer. Safe to retry.
        """
        found = self.project_record(key)
        if found is not None and found.deletion is None:
            return found.place
        with driver_errors(f"look up project {key}"):
            if not self._db.client.hlen(self._db.keys.projects()):
                message = "the store holds no project: its data is lost; restore it or start again"
                raise ListUnknown(message)
        message = f"project {key} does not exist"
        raise ProjectNotFound(message)

    def projects(self) -> list[Place]:
        """All projects, by key. Cost: one round trip."""
        return self._places(self._db.keys.projects())

    def environments(self, project: str) -> list[Place]:
        """All environments of a project, by key. Cost: two round trips.

        Raises:
            ProjectNotFound: or ListUnknown, StoreUnavailable: as :meth:`project`.
        """
        self.project(project)
        return self._places(self._db.keys.environments(project))

    def update_project(self, current: Place, changed: Place) -> None:
        """Change a project that is still as it was read.

        Raises:
            PlaceChanged: it is not; nothing was written.
            StoreUnavailable: no answer. A retry may find its own change: PlaceChanged.
        """
        self._update(self._db.keys.projects(), current, changed)

    def update_environment(self, project: str, current: Place, changed: Place) -> None:
        """Change an environment that is still as it was read; see :meth:`update_project`."""
        self._update(self._db.keys.environments(project), current, changed)

    # For worker.store.workflows.deleting

    def environment_record(self, scope: Scope) -> PlaceRecord | None:
        """What is stored of an environment, deleted or not."""
        return self._record(self._db.keys.environments(scope.project), scope.environment)

    def project_record(self, key: str) -> PlaceRecord | None:
        """What is stored of a project, deleted or not."""
        return self._record(self._db.keys.projects(), key)

    def put(
        self,
        hash_key: str,
        key: str,
        expected: bytes | None,
        text: str | None,
        *,
        keep_last: bool = False,
    ) -> bool:
        """Replace a record that is still as expected, ``None`` being none.

        Args:
            hash_key: the hash of records.
            key: the place's key.
            expected: the record's text.
            text: its new text; ``None`` removes it.
            keep_last: do not remove the last record of the hash.

        Returns:
            Whether it was.
        """
        arguments = (key, expected or b"", text or "", int(keep_last))
        what = f"change the record of {key}"
        return bool(self._db.run(what, "project/put_record", [hash_key], arguments))

    def _update(self, hash_key: str, current: Place, changed: Place) -> None:
        record = self._record(hash_key, current.key)
        same = record is not None and record.deletion is None and record.place == current
        expected = None if record is None else record.text
        if not same or not self.put(hash_key, current.key, expected, encode(changed)):
            message = f"{current.key} was changed at the same time; read it again"
            raise PlaceChanged(message)

    def _record(self, hash_key: str, key: str) -> PlaceRecord | None:
        with driver_errors(f"look up {key}"):
            text = self._db.client.hget(hash_key, key)
        return None if text is None else decode(key, text)

    def _places(self, hash_key: str) -> list[Place]:
        with driver_errors("list places"):
            found = self._db.client.hgetall(hash_key)
        records = [decode(key.decode(), text) for key, text in sorted(found.items())]
        return [one.place for one in records if one.deletion is None]
