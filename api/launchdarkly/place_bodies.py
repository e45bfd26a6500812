"""What clients send about projects and environments, and what is kept of it.

Source: the models of ProjectsApi and EnvironmentsApi in LaunchDarkly's clients. Fields that
only matter to flags are kept and shown, and change nothing here.
"""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from api.launchdarkly.faults import refusal
from api.launchdarkly.integers import Int32
from api.launchdarkly.targeting_fields import SegmentName, Tags, null_is

PlaceKey = Annotated[str, Field(max_length=256, pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.\-]*$")]
Flag = Annotated[bool, Field(strict=True), null_is(default=False)]
#: Documented for projects: alphabetical.
SortedTags = Annotated[Tags, AfterValidator(lambda tags: tuple(sorted(tags)))]

DEFAULT_COLOR: Final = "417505"


class Body(BaseModel):
    """Fields that it does not know are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Availability(Body):
    """To which SDKs the flags of a project are shown."""

    usingEnvironmentId: Flag = False  # noqa: N815 - wire name
    usingMobileKey: Flag = False  # noqa: N815 - wire name


class ProjectFields(Body):
    """All of a project that can be changed."""

    name: SegmentName
    tags: SortedTags = ()
    includeInSnippetByDefault: Flag = False  # noqa: N815 - wire name
    defaultClientSideAvailability: Annotated[  # noqa: N815 - wire name
        Availability, null_is(Availability())
    ] = Availability()


class EnvironmentFields(Body):
    """All of an environment that can be changed."""

    name: SegmentName
    tags: Tags = ()
    color: Annotated[str, Field(min_length=1, max_length=32)] = DEFAULT_COLOR
    defaultTtl: Annotated[  # noqa: N815 - wire name
        Int32, Field(strict=True, ge=0, le=2**31 - 1), null_is(0)
    ] = 0
    secureMode: Flag = False  # noqa: N815 - wire name
    defaultTrackEvents: Flag = False  # noqa: N815 - wire name
    requireComments: Flag = False  # noqa: N815 - wire name
    confirmChanges: Flag = False  # noqa: N815 - wire name
    critical: Flag = False


class NewEnvironment(EnvironmentFields):
    """What creates an environment."""

    key: PlaceKey


class NewProject(ProjectFields):
    """What creates a project; without environments it gets those every project has."""

    key: PlaceKey
    environments: Annotated[tuple[NewEnvironment, ...], Field(max_length=100), null_is(())] = ()


def details_of(fields: ProjectFields | EnvironmentFields) -> dict[str, Any]:
    """What the store keeps beside the name and tags."""
    return fields.model_dump(exclude={"key", "name", "tags", "environments"})


def fields_of(kind: type[ProjectFields | EnvironmentFields], document: dict[str, Any]) -> Any:  # noqa: ANN401 - of that kind
    """Check a place after a patch.

    Raises:
        InvalidRequest: a field is wrong; says where.
    """
    try:
        return kind.model_validate(document)
    except ValidationError as exc:
        raise refusal(exc) from exc
