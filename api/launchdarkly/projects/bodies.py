"""What clients send about projects and environments, and what is kept of it.

Source: the models of ProjectsApi and EnvironmentsApi in LaunchDarkly's clients. Fields that
only matter to flags are kept and shown, and change nothing here.
"""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, model_validator

from api.bodies.json_values import JsonObject
from api.bodies.models import Flag, Int32, StrictBody, null_is
from api.launchdarkly.targeting.fields import SegmentName, Tags
from api.launchdarkly.wire.ignored_fields import ignored_in

PlaceKey = Annotated[str, Field(max_length=256, pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.\-]*$")]
#: Documented for projects: alphabetical.
SortedTags = Annotated[Tags, AfterValidator(lambda tags: tuple(sorted(tags)))]

DEFAULT_COLOR: Final = "417505"


class Body(StrictBody):
    """A part of a place."""


class Availability(Body):
    """To which SDKs the flags of a project are shown."""

    using_environment_id: Flag = False
    using_mobile_key: Flag = False


#: Source: Terraform's provider takes these for LaunchDarkly's defaults.
_AVAILABILITY: Final = Availability.model_validate({"usingMobileKey": True})
_SNIPPET: Final = "includeInSnippetByDefault"
_AVAILABLE: Final = "defaultClientSideAvailability"
_BY_ID: Final = "usingEnvironmentId"


class ProjectFields(Body):
    """All of a project that can be changed.

    ``includeInSnippetByDefault`` is the older name of ``usingEnvironmentId``: whichever is
    given is both; if both are and differ, the newer one counts.
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
    def _one_availability(cls, given: object) -> object:
        return _settled(given) if isinstance(given, dict) else given


class EnvironmentFields(Body):
    """All of an environment that can be changed."""

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
    """What creates an environment."""

    key: PlaceKey


class NewProject(ProjectFields):
    """What creates a project; without environments it gets those every project has."""

    ignored = ignored_in("new project")

    key: PlaceKey
    environments: Annotated[tuple[NewEnvironment, ...], Field(max_length=100), null_is(())] = ()


def details_of(fields: ProjectFields | EnvironmentFields) -> dict[str, Any]:
    """What the store keeps beside the name and tags."""
    return fields.model_dump(exclude={"key", "name", "tags", "environments"})


def following(before: JsonObject, after: JsonObject) -> JsonObject:
    """A patched place in which the two names of one setting agree: the changed one counts.

    Args:
        before: the place, valid.
        after: what a patch made of it, not yet checked.
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


def _settled(given: JsonObject) -> JsonObject:
    """What is wrong stays, to be refused."""
    snippet, available = given.get(_SNIPPET), given.get(_AVAILABLE)
    if available is None and isinstance(snippet, bool):
        return given | {_AVAILABLE: {_BY_ID: snippet, "usingMobileKey": True}}
    if isinstance(available, dict) and (snippet is None or isinstance(snippet, bool)):
        by_id = available.get(_BY_ID)
        return given | {_SNIPPET: by_id if isinstance(by_id, bool) else False}
    return given
