"""The resources that a path names, checked against the caller's scope."""

from typing import Annotated

from fastapi import Depends, Path, Query

from api.access.auth import Caller
from api.access.permissions import require_scope
from api.errors import Forbidden
from api.services.services import CallerOf, ServicesOf
from api.vercel.wire.project_ids import find_project
from worker.store import Project, ProjectNotFound, Store

ProjectIdOrName = Annotated[str, Path(description="The project's id or its key.")]
TeamId = Annotated[str, Query(description="Accepted and ignored: there are no teams.")]
TeamSlug = Annotated[str, Query(description="Accepted and ignored: there are no teams.")]


def parse_project(
    projectIdOrName: ProjectIdOrName,  # noqa: N803 - the documented names
    services: ServicesOf,
    caller: CallerOf,
    teamId: TeamId = "",  # noqa: N803 - same
    slug: TeamSlug = "",
) -> Project:
    """The project that the path names.

    Raises:
        Forbidden: nothing in it is in the caller's scope, or the caller has one and there is no
            such project: a scope says what a token may know of.
        ProjectNotFound: there is no such project.
    """
    del teamId, slug
    return require_project(services.store(), caller, projectIdOrName)


def require_project(store: Store, caller: Caller, id_or_name: str) -> Project:
    """Find a project that the caller may see. Errors: as :func:`parse_project`."""
    try:
        project = find_project(store, id_or_name)
    except ProjectNotFound:
        if not caller.scope.is_everything and not caller.scope.allows(id_or_name):
            raise Forbidden from None
        raise
    require_scope(caller, project.key)
    return project


ProjectOf = Annotated[Project, Depends(parse_project)]


def parse_whole_project(project: ProjectOf, caller: CallerOf) -> Project:
    """The project that the path names, for what concerns everything in it.

    Raises:
        Forbidden: as :func:`parse_project`, or something in it is not in the caller's scope.
        ProjectNotFound: as :func:`parse_project`.
    """
    require_scope(caller, project.key, whole=True)
    return project


WholeProjectOf = Annotated[Project, Depends(parse_whole_project)]
