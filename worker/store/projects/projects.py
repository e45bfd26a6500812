"""The projects of the store."""

from worker.store.errors import ListUnknown, ProjectNotFound
from worker.store.projects.records import Project, project_records
from worker.store.server.database import Database


class ProjectStore:
    """The projects under one prefix. Every method may raise ``StoreUnavailable``.

    Deleted ones stay on record until all that they held is freed; only upkeep sees them.
    ``worker.store.workflows.deleting`` creates and deletes projects.
    """

    def __init__(self, database: Database) -> None:
        self.records = project_records(database)

    def get(self, key: str) -> Project:
        """Read a project. Cost: one round trip.

        Raises:
            ListUnknown: the store holds no project at all: it has lost its data.
            ProjectNotFound: no such project.
        """
        found = self.records.find(key)
        if found is not None and found.value.deletion is None:
            return found.value
        if found is None and self.records.is_empty():
            message = "the store holds no project: its data is lost; restore it or start again"
            raise ListUnknown(message)
        message = f"project {key} does not exist"
        raise ProjectNotFound(message)

    def read_all(self) -> list[Project]:
        """All projects, by key. Cost: one round trip."""
        return self.records.read_all()

    def update(self, current: Project, changed: Project) -> None:
        """Change a project that is still as it was read.

        Raises:
            ResourceChanged: it is not; nothing was written.
        """
        self.records.update(current, changed)
