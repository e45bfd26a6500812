"""Projects and environments as LaunchDarkly's clients see them.

Source: the models ``Project``, ``ProjectRep``, ``Environment`` and their collections in
LaunchDarkly's Python client, which check them strictly.
"""

from typing import Any

from pydantic import Field

from api.bodies.models import Int32, WireModel
from api.launchdarkly.projects.bodies import Availability, EnvironmentFields, ProjectFields
from api.launchdarkly.wire.links import (
    Links,
    environment_id,
    environments_path,
    link,
    opaque_id,
    project_path,
    segments_path,
)
from worker.store import Place, Scope


class EnvironmentRepresentation(WireModel):
    """One environment."""

    links: Links = Field(alias="_links")
    id: str = Field(alias="_id")
    key: str
    name: str
    api_key: str
    mobile_key: str
    color: str
    default_ttl: Int32
    secure_mode: bool
    default_track_events: bool
    require_comments: bool
    confirm_changes: bool
    tags: list[str]
    critical: bool


class EnvironmentPage(WireModel):
    """A page of environments."""

    links: Links = Field(alias="_links")
    total_count: Int32
    items: list[EnvironmentRepresentation]


class ProjectRepresentation(WireModel):
    """One project; its environments are a page where they are asked for."""

    links: Links = Field(alias="_links")
    id: str = Field(alias="_id")
    key: str
    name: str
    include_in_snippet_by_default: bool
    default_client_side_availability: Availability
    require_view_association_for_new_flags: bool
    require_view_association_for_new_segments: bool
    tags: list[str]
    environments: EnvironmentPage | None = None


class ChangedProject(ProjectRepresentation):
    """What creating or changing a project answers: with all environments, as a list."""

    environments: list[EnvironmentRepresentation]  # type: ignore[assignment]  # LaunchDarkly's own


class ProjectPage(WireModel):
    """A page of projects."""

    links: Links = Field(alias="_links")
    items: list[ProjectRepresentation]
    total_count: Int32


def project_shape(project: Place) -> dict[str, Any]:
    """The fields of a project, without its environments."""
    fields = ProjectFields.model_validate(
        {**project.details, "name": project.name, "tags": project.tags}
    )
    path = project_path(project.key)
    return {
        **fields.model_dump(),
        "key": project.key,
        "_id": opaque_id(project.key),
        "_links": {"self": link(path), "environments": link(environments_path(project.key))},
    }


def environment_shape(project: str, environment: Place) -> EnvironmentRepresentation:
    """An environment's representation."""
    fields = EnvironmentFields.model_validate(
        {**environment.details, "name": environment.name, "tags": environment.tags}
    )
    path = f"{environments_path(project)}/{environment.key}"
    scope = Scope(project, environment.key)
    return EnvironmentRepresentation.model_validate(
        {
            **fields.model_dump(),
            "key": environment.key,
            "apiKey": environment.sdk_key,
            "mobileKey": environment.mobile_key,
            "_id": environment_id(scope),
            "_links": {
                "self": link(path),
                "parent": link(project_path(project)),
                "segments": link(segments_path(scope)),
            },
        }
    )
