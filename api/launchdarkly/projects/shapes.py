"""Projects and environments as LaunchDarkly's clients see them.

Source: the models ``Project``, ``ProjectRep``, ``Environment`` and their collections in
LaunchDarkly's Python client, which check them strictly.
"""

import hashlib
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.bodies.models import Int32
from api.launchdarkly.projects.bodies import Availability, EnvironmentFields, ProjectFields
from api.launchdarkly.segments.representation import Links, environment_id
from api.launchdarkly.wire.links import PREFIX, link
from worker.store import Place, Scope


class EnvironmentRepresentation(BaseModel):
    """One environment."""

    model_config = ConfigDict(serialize_by_alias=True, populate_by_name=True)

    links: Links = Field(alias="_links")
    id: str = Field(alias="_id")
    key: str
    name: str
    apiKey: str  # noqa: N815 - wire name
    mobileKey: str  # noqa: N815 - wire name
    color: str
    defaultTtl: Int32  # noqa: N815 - wire name
    secureMode: bool  # noqa: N815 - wire name
    defaultTrackEvents: bool  # noqa: N815 - wire name
    requireComments: bool  # noqa: N815 - wire name
    confirmChanges: bool  # noqa: N815 - wire name
    tags: list[str]
    critical: bool


class EnvironmentPage(BaseModel):
    """A page of environments."""

    model_config = ConfigDict(serialize_by_alias=True, populate_by_name=True)

    links: Links = Field(alias="_links")
    totalCount: Int32  # noqa: N815 - wire name
    items: list[EnvironmentRepresentation]


class ProjectRepresentation(BaseModel):
    """One project; its environments are a page where they are asked for."""

    model_config = ConfigDict(serialize_by_alias=True, populate_by_name=True)

    links: Links = Field(alias="_links")
    id: str = Field(alias="_id")
    key: str
    name: str
    includeInSnippetByDefault: bool  # noqa: N815 - wire name
    defaultClientSideAvailability: Availability  # noqa: N815 - wire name
    requireViewAssociationForNewFlags: bool  # noqa: N815 - wire name
    requireViewAssociationForNewSegments: bool  # noqa: N815 - wire name
    tags: list[str]
    environments: EnvironmentPage | None = None


class ChangedProject(ProjectRepresentation):
    """What creating or changing a project answers: with all environments, as a list."""

    environments: list[EnvironmentRepresentation]  # type: ignore[assignment]  # LaunchDarkly's own


class ProjectPage(BaseModel):
    """A page of projects."""

    model_config = ConfigDict(serialize_by_alias=True, populate_by_name=True)

    links: Links = Field(alias="_links")
    items: list[ProjectRepresentation]
    totalCount: Int32  # noqa: N815 - wire name


def project_path(key: str) -> str:
    """The address of a project."""
    return f"{PREFIX}/projects/{key}"


def environments_path(project: str) -> str:
    """The address of a project's environments."""
    return f"{project_path(project)}/environments"


def project_shape(project: Place) -> dict[str, Any]:
    """The fields of a project, without its environments."""
    fields = ProjectFields.model_validate(
        {**project.details, "name": project.name, "tags": project.tags}
    )
    path = project_path(project.key)
    return {
        **fields.model_dump(),
        "key": project.key,
        "_id": hashlib.sha256(project.key.encode()).hexdigest()[:24],
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
                "segments": link(f"{PREFIX}/segments/{project}/{environment.key}"),
            },
        }
    )
