"""Projects and environments: bodies, what the store keeps of them, and representations.

Fields that only matter to flags are stored and returned, and have no effect here.
Source: the models of ProjectsApi and EnvironmentsApi in LaunchDarkly's Python client, which
checks answers strictly.
"""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, model_validator

from api.bodies.json_values import JsonObject
from api.bodies.models import Flag, Int32, StrictBody, WireModel, null_is
from api.launchdarkly.targeting.fields import ResourceKey, SegmentName, Tags
from api.launchdarkly.wire.ignored_fields import ignored_in
from api.launchdarkly.wire.links import (
    Links,
    environment_id,
    environments_path,
    link,
    opaque_id,
    project_path,
    segments_path,
)
from worker.store import Environment, EnvironmentRef, Project

#: Documented for projects: alphabetical.
SortedTags = Annotated[Tags, AfterValidator(lambda tags: tuple(sorted(tags)))]

DEFAULT_COLOR: Final = "417505"


class Availability(StrictBody):
    """The SDKs that see a project's flags."""

    using_environment_id: Flag = False
    using_mobile_key: Flag = False


#: Source: Terraform's provider takes these for LaunchDarkly's defaults.
_AVAILABILITY: Final = Availability.model_validate({"usingMobileKey": True})
_SNIPPET: Final = "includeInSnippetByDefault"
_AVAILABLE: Final = "defaultClientSideAvailability"
_BY_ID: Final = "usingEnvironmentId"


class ProjectFields(StrictBody):
    """Everything in a project that can be changed.

    ``includeInSnippetByDefault`` is the older name of ``usingEnvironmentId``: whichever is
    given sets both; if they differ, the newer name counts.
    """

    name: SegmentName
    tags: SortedTags = ()
    include_in_snippet_by_default: Flag = False
    default_client_side_availability: Annotated[Availability, null_is(_AVAILABILITY)] = (
        _AVAILABILITY
    )
    require_view_association_for_new_flags: Flag = False
    require_view_association_for_new_segments: Flag = False

    @model_validator(mode="before")
    @classmethod
    def _unify_availability(cls, given: object) -> object:
        return _unify(given) if isinstance(given, dict) else given


class EnvironmentFields(StrictBody):
    """Everything in an environment that can be changed."""

    name: SegmentName
    tags: Tags = ()
    color: Annotated[str, Field(min_length=1, max_length=32)] = DEFAULT_COLOR
    default_ttl: Annotated[Int32, Field(strict=True, ge=0, le=2**31 - 1), null_is(0)] = 0
    secure_mode: Flag = False
    default_track_events: Flag = False
    require_comments: Flag = False
    confirm_changes: Flag = False
    critical: Flag = False


class NewEnvironment(EnvironmentFields):
    """A new environment."""

    key: ResourceKey


class NewProject(ProjectFields):
    """A new project; without environments it gets the default ones."""

    ignored = ignored_in("new project")

    key: ResourceKey
    environments: Annotated[tuple[NewEnvironment, ...], Field(max_length=100), null_is(())] = ()


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
    """One project; its environments are a page, if the request expands them."""

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
    """The answer to creating or changing a project, with all environments as a list."""

    environments: list[EnvironmentRepresentation]  # type: ignore[assignment]  # LaunchDarkly's own


class ProjectPage(WireModel):
    """A page of projects."""

    links: Links = Field(alias="_links")
    items: list[ProjectRepresentation]
    total_count: Int32


def select_details(fields: ProjectFields | EnvironmentFields) -> dict[str, Any]:
    """Select what the store keeps besides the name and tags, by wire names."""
    return fields.model_dump(exclude={"key", "name", "tags", "environments"})


def stored_fields(resource: Project | Environment) -> dict[str, Any]:
    """The changeable fields of a stored project or environment, by wire names."""
    return {**resource.details, "name": resource.name, "tags": resource.tags}


def project_fields(project: Project) -> dict[str, Any]:
    """The fields of a project's representation except its environments, by wire names."""
    return {
        **ProjectFields.model_validate(stored_fields(project)).model_dump(),
        "key": project.key,
        "_id": opaque_id(project.key),
        "_links": {
            "self": link(project_path(project.key)),
            "environments": link(environments_path(project.key)),
        },
    }


def represent_environment(
    project: str, environment: Environment, sdk_key: str | None = None
) -> EnvironmentRepresentation:
    """Make an environment's representation.

    Args:
        project: its project.
        environment: the environment.
        sdk_key: its own SDK key, if it has just been issued; else it is masked.
    """
    env = EnvironmentRef(project, environment.key)
    return EnvironmentRepresentation.model_validate(
        {
            **EnvironmentFields.model_validate(stored_fields(environment)).model_dump(),
            "key": environment.key,
            "apiKey": sdk_key or _masked(environment.sdk_key),
            "mobileKey": environment.mobile_key,
            "_id": environment_id(env),
            "_links": {
                "self": link(f"{environments_path(project)}/{environment.key}"),
                "parent": link(project_path(project)),
                "segments": link(segments_path(env)),
            },
        }
    )


def _masked(sdk_key: str) -> str:
    """What is shown to everybody; a whole key of an older release is one that nothing accepts."""
    return sdk_key if sdk_key.endswith("*") else ""


def reconcile_names(before: JsonObject, after: JsonObject) -> JsonObject:
    """Make the two names of one setting agree in a patched project; the changed one counts.

    Args:
        before: the project's fields, valid.
        after: the result of a patch, not yet checked.
    """
    old, new = before.get(_AVAILABLE), after.get(_AVAILABLE)
    changed = after.get(_SNIPPET) != before.get(_SNIPPET)
    if (
        changed
        and isinstance(old, dict)
        and isinstance(new, dict)
        and old[_BY_ID] == new.get(_BY_ID)
    ):
        return after | {_AVAILABLE: new | {_BY_ID: after.get(_SNIPPET)}}
    return after


def _unify(given: JsonObject) -> JsonObject:
    """Set both names of one setting; an invalid value stays, and is refused later."""
    snippet, available = given.get(_SNIPPET), given.get(_AVAILABLE)
    if available is None and isinstance(snippet, bool):
        return given | {_AVAILABLE: {_BY_ID: snippet, "usingMobileKey": True}}
    if isinstance(available, dict) and (snippet is None or isinstance(snippet, bool)):
        by_id = available.get(_BY_ID)
        return given | {_SNIPPET: by_id if isinstance(by_id, bool) else False}
    return given
