"""The environments of each project, in which segments are."""

from collections.abc import Mapping
from typing import Any, Final

from worker.store.errors import EnvironmentNotFound
from worker.store.keyspace import PROJECT_LISTS, EnvironmentRef
from worker.store.projects.projects import ProjectStore
from worker.store.projects.records import Environment, Project, RecordHash, environment_records
from worker.store.server.database import Database

DEFAULT_PROJECT: Final = "default"
DEFAULT_ENVIRONMENTS: Final = ("production", "test")


class EnvironmentStore:
    """The environments under one prefix. Every method may raise ``StoreUnavailable``.

    Deleted ones stay on record until all that they held is freed; only upkeep sees them.
    ``worker.store.workflows.deleting`` creates and deletes environments.
    """

    def __init__(self, database: Database, projects: ProjectStore) -> None:
        self._db = database
        self._projects = projects

    def records(self, project: str) -> RecordHash[Environment]:
        """The records of a project's environments, deleted ones included."""
        return environment_records(self._db, project)

    def initialise(self) -> None:
        """Create the default project with its environments if there is no project; idempotent."""
        if not self._projects.records.is_empty():
            return
        project = Project(DEFAULT_PROJECT, "Default", self._db.now_ms())
        for key in DEFAULT_ENVIRONMENTS:
            environment = self.new(key, key.capitalize(), created_ms=project.created_ms)
            self.records(DEFAULT_PROJECT).put(None, environment)
        self._projects.records.put(None, project)

    def new(
        self,
        key: str,
        name: str,
        tags: tuple[str, ...] = (),
        details: Mapping[str, Any] | None = None,
        *,
        created_ms: int | None = None,
    ) -> Environment:
        """An environment without an SDK key; it is not stored.

        Environments with the same ``created_ms`` are listed by key; without it, it is now.
        """
        if created_ms is None:
            created_ms = self._db.now_ms()
        mobile_key = f"mob-{self._db.random_name()}"
        return Environment(key, name, created_ms, tags, details or {}, mobile_key=mobile_key)

    def list_refs(self) -> list[EnvironmentRef]:
        """Every environment of every project, also those whose deletion is not finished.

        Among them is what holds a project's own lists; see :meth:`EnvironmentRef.of_project`.

        Cost: one round trip a project.
        """
        return [
            EnvironmentRef(project, key)
            for project in self._projects.records.list_keys()
            for key in self.records(project).list_keys()
        ]

    def get(self, env: EnvironmentRef) -> Environment:
        """Read an environment. Cost: one round trip.

        Raises:
            ListUnknown: the store holds no project at all: it has lost its data.
            ProjectNotFound: no such project.
            EnvironmentNotFound: no such environment.
        """
        found = self.records(env.project).find(env.environment)
        if found is not None and found.value.deletion is None:
            return found.value
        self._projects.get(env.project)
        message = f"project {env.project} has no environment {env.environment}"
        raise EnvironmentNotFound(message)

    def require(self, env: EnvironmentRef) -> None:
        """Check that the environment exists. Cost and errors: as :meth:`get`."""
        self.get(env)

    def read_all(self, project: str) -> list[Environment]:
        """All environments of a project that callers know of, by key. Cost: two round trips.

        Raises:
            ProjectNotFound: or ListUnknown, as :meth:`ProjectStore.get`.
        """
        self._projects.get(project)
        found = self.records(project).read_all()
        return [environment for environment in found if environment.key != PROJECT_LISTS]

    def update(self, project: str, current: Environment, changed: Environment) -> None:
        """Change an environment that is still as it was read.

        Raises:
            ResourceChanged: it is not; nothing was written.
        """
        self.records(project).update(current, changed)
