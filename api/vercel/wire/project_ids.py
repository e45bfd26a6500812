"""Ids of projects, and the projects that paths name."""

import hashlib
import re
from typing import Final

from worker.store import Project, Store

_DIGITS: Final = 28
_PROJECT_ID: Final = re.compile(rf"prj_[0-9a-f]{{{_DIGITS}}}")


def project_id(project: Project) -> str:
    """The id of a project: the same as long as it exists, another once it is created again."""
    name = f"{project.key}/{project.created_ms}"
    return f"prj_{hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]}"


def find_project(store: Store, id_or_name: str) -> Project:
    """Find a project by its id or, if none has it, by its key.

    Cost: one round trip; for an id, one that reads all projects.

    Raises:
        ProjectNotFound: there is none, or ListUnknown: the store has lost its data.
    """
    if _PROJECT_ID.fullmatch(id_or_name):
        for project in store.projects.read_all():
            if project_id(project) == id_or_name:
                return project
    return store.projects.get(id_or_name)
