"""What a project's flags say about its segments: definitions that name them, and settings.

Definitions are kept with the segments, under one mark of changes: a segment that they name is
there, and stays as long as they name it.
"""

from collections.abc import Mapping
from typing import Final

from worker.store.errors import (
    DefinitionsNotFound,
    ProjectNotFound,
    ResourceChanged,
    TooManySegments,
)
from worker.store.project_segments.records import (
    FlagDefinitions,
    ProjectSegments,
    encode_definitions,
)
from worker.store.project_segments.segment_store import SegmentBounds
from worker.store.projects.records import Project
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database

_SETTINGS: Final = "settings"


class FlagStore:
    """Flags of projects under one prefix. Every method may raise ``StoreUnavailable``.

    ``ProjectSegmentStore.read_all`` reads the definitions, with the segments that they name.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def put_definitions(
        self,
        project: Project,
        document: str,
        users: Mapping[str, tuple[str, ...]],
        bounds: SegmentBounds,
        *,
        flag_count: int,
        seen: ProjectSegments,
    ) -> FlagDefinitions:
        """Replace the definitions. Cost: one round trip.

        Args:
            project: that they belong to.
            document: JSON on one line.
            users: by a segment's id, the keys of the flags that name it.
            bounds: of the project.
            flag_count: how many flags are defined.
            seen: the segments were among these.

        Raises:
            TooManySegments: the project holds as many bytes as it may.
            ResourceChanged: a segment, or the definitions, have changed since; nothing was
                written. A retry after a lost answer may find its own change.
            ProjectNotFound: the project is deleted.
        """
        definitions = FlagDefinitions(self._db.random_name(), document, users, flag_count)
        arguments = (encode_definitions(definitions), seen.mark, definitions.revision)
        reply = self._put(project, *arguments, bounds.size_bytes)
        if reply == b"large":
            most = f"{bounds.size_bytes:,} bytes of segments and flag definitions"
            raise TooManySegments(f"project {project.key} may hold {most}; delete some first")
        _require_written(reply, project, "flag definitions")
        return definitions

    def delete_definitions(self, project: Project, *, seen: ProjectSegments) -> None:
        """Delete the definitions. Cost: one round trip.

        Raises:
            DefinitionsNotFound: there are none, or a retry after a lost answer.
            ResourceChanged: they, or a segment, have changed since they were seen.
            ProjectNotFound: the project is deleted.
        """
        reply = self._put(project, b"", seen.mark, self._db.random_name(), 0)
        if reply == b"gone":
            message = f"project {project.key} has no flag definitions"
            raise DefinitionsNotFound(message)
        _require_written(reply, project, "flag definitions")

    def read_settings(self, project: Project) -> bytes | None:
        """Read the settings: JSON of the dialect; ``None`` before they are written first."""
        with driver_errors(f"read the flag settings of project {project.key}"):
            return self._db.client.hget(self._key(project), _SETTINGS)

    def put_settings(self, project: Project, expected: bytes | None, settings: bytes) -> None:
        """Replace settings that are still as they were read. Cost: one round trip.

        Raises:
            ResourceChanged: they are not; nothing was written.
            ProjectNotFound: the project is deleted.
        """
        what = f"write the flag settings of project {project.key}"
        arguments = (expected or b"", settings)
        key = self._key(project)
        reply: bytes = self._db.run(what, "project_segments/put_settings", [key], arguments)
        _require_written(reply, project, "flag settings")

    def _put(
        self, project: Project, record: bytes, mark: str, change: str, most_bytes: int
    ) -> bytes:
        what = f"write the flag definitions of project {project.key}"
        key, arguments = self._key(project), (record, mark, change, most_bytes)
        reply: bytes = self._db.run(what, "project_segments/put_definitions", [key], arguments)
        return reply

    def _key(self, project: Project) -> str:
        return self._db.keys.project_segments(project.key, project.created_ms)


def _require_written(reply: bytes, project: Project, what: str) -> None:
    if reply == b"closed":
        message = f"project {project.key} does not exist"
        raise ProjectNotFound(message)
    if reply != b"ok":
        message = f"the {what} of project {project.key} were changed at the same time"
        raise ResourceChanged(message)
