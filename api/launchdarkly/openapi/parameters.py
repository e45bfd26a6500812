"""What parameters mean, which values they take, and an example of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from api.launchdarkly.openapi.examples import names
from api.launchdarkly.wire.links import RESOURCE_KEY
from worker.context_keys import KEY_LIMIT_BYTES


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter, wherever it is used."""

    description: str
    example: Any
    schema: Mapping[str, Any] = field(default_factory=dict)
    """What is added to the schema that FastAPI makes."""


def _sorted_by(fields: str) -> dict[str, str]:
    return {"pattern": f"^(-?({fields})(,-?({fields}))*)?$"}


_KEY: Final = {"pattern": f"^{RESOURCE_KEY.pattern}$"}
_ID: Final = {"format": "uuid", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}
_TOKEN_ID: Final = {"pattern": "^[0-9a-f]{24}$"}
_ENTRY_ID: Final = (
    "([A-Za-z0-9._-]{1,256}:[A-Za-z0-9._-]{1,256}:)?(0|[1-9][0-9]{0,18})-(0|[1-9][0-9]{0,18})"
)
_CONTEXT_KEY: Final = {"minLength": 1, "maxLength": KEY_LIMIT_BYTES}
_FILTER: Final = (
    "Terms of a field, an operator and a value: `includedKeys`, `excludedKeys` and `tags` take "
    "`anyOf` and a list of strings, `query` takes `equals` and a string, `unbounded` takes "
    "`equals` and true or false, `external` and `view` take `exists`. Terms are joined by `,` "
    "(and), which binds tighter than `|` (or), and grouped by parentheses."
)
_PLACE_FILTER: Final = (
    "A comma-separated list of `field:value`, all of which must hold: `query:text` searches keys "
    "and names, `tags:a+b` wants all these tags, `keys:a|b` wants one of these keys."
)

_ANYWHERE: Final[Mapping[str, Parameter]] = {
    "projectKey": Parameter("The project's key.", names.PROJECT, _KEY),
    "environmentKey": Parameter("The environment's key.", names.ENVIRONMENT, _KEY),
    "segmentKey": Parameter("The segment's key.", names.BIG_SEGMENT, _KEY),
    "contextKey": Parameter(
        "The context's key, percent-encoded; its kind is the segment's.",
        names.MEMBER,
        _CONTEXT_KEY,
    ),
    "userKey": Parameter(
        "The context's key, percent-encoded: the older name.", names.MEMBER, _CONTEXT_KEY
    ),
    "importID": Parameter("The import's id.", names.IMPORT, _ID),
    "exportID": Parameter("The export's id.", names.EXPORT, _ID),
    "limit": Parameter("How many to answer at most.", 20),
    "offset": Parameter("How many to leave out at the beginning.", 0),
    "sort": Parameter(
        "Fields to sort by, separated by commas, `-` before a field for descending: "
        "`creationDate`, `name`, `lastModified`. Newest first if it is left out.",
        "-lastModified,name",
        _sorted_by("creationDate|name|lastModified"),
    ),
    "filter": Parameter(_FILTER, 'tags anyOf ["beta"],(unbounded equals true|query equals "test")'),
    "expand": Parameter(
        "`environments` answers the first environments with a project.", "environments"
    ),
    "spec": Parameter(
        "A resource specifier: only changes of resources that it names.",
        f"proj/{names.PROJECT}:env/{names.ENVIRONMENT}:segment/*",
    ),
    "before": Parameter("Only changes made before this time, in Unix milliseconds.", names.AFTER),
    "after": Parameter("Only changes made after this time, in Unix milliseconds.", names.CREATED),
    "q": Parameter(
        "A text, in any case, that the resource, the comment or the sentence of actor, verb and "
        "name has to hold.",
        "beta",
    ),
    "member": Parameter(
        "Only changes by these members; there are no members, so there are none.", [names.MEMBER_ID]
    ),
    "token": Parameter("Only changes by these access tokens, by their ids.", [names.TOKEN]),
    "olderThan": Parameter(
        "Only changes that come after this one in the list, by its id; links of pages have it.",
        names.ENTRY,
        {"pattern": f"^({_ENTRY_ID})?$"},
    ),
    "buckets": Parameter("How many stretches of time to count in.", 24),
    "expiry": Parameter(
        "Until when the old secret works too, in Unix milliseconds; it ends now if left out.",
        names.EXPIRES,
    ),
    "Idempotency-Key": Parameter(
        "A name for this request that no other has: sent again within 24 hours with the same "
        "key, it is answered as it was first, and starts nothing.",
        "nightly-2026-03-01",
    ),
    "force": Parameter(
        "Delete the segment although rules of others refer to it; they are in error then.",
        example=False,
    ),
    "resourceType": Parameter("The kind of the resource.", "segments"),
    "resourceKey": Parameter("The resource's key.", names.SEGMENT),
    "environmentId": Parameter("The id of the segment's environment.", names.ENVIRONMENT_ID),
    "Range": Parameter(
        "One range of bytes: the first and the last, the first alone, or `-` and how many from "
        "the end. Anything else is answered with the whole file.",
        "bytes=0-13",
    ),
    "If-Range": Parameter(
        "The `ETag` of the file that `Range` is meant for; of another, the whole is answered.",
        names.ETAG,
    ),
    "If-None-Match": Parameter(
        "The `ETag` of a file that the caller has, which is not sent again.", names.OTHER_ETAG
    ),
    "dryRun": Parameter("Answer the segment as it would be, and change nothing.", example=True),
}
_PLACE_SORT: Final = Parameter(
    "Fields to sort by, separated by commas, `-` before a field for descending: `name`, "
    "`createdOn`, `critical`. Newest first if it is left out, environments oldest first.",
    "name,-createdOn",
    _sorted_by("name|createdOn|critical"),
)
_STANDARD: Final = Parameter("The segment's key.", names.SEGMENT, _KEY)
_TOKEN: Final = Parameter("The access token's id.", names.TOKEN, _TOKEN_ID)
_ENTRY: Final = Parameter("The entry's id.", names.ENTRY, {"pattern": f"^{_ENTRY_ID}$"})
_OF: Final[Mapping[tuple[str, str], Parameter]] = {
    ("getProjects", "sort"): _PLACE_SORT,
    ("getProjects", "filter"): Parameter(_PLACE_FILTER, "query:shop"),
    ("getEnvironmentsByProject", "sort"): _PLACE_SORT,
    ("getEnvironmentsByProject", "filter"): Parameter(_PLACE_FILTER, "query:prod,tags:live"),
    ("getLinkedViews", "sort"): Parameter("There is nothing to sort.", ""),
    ("getLinkedViews", "filter"): Parameter("There is nothing to leave out.", ""),
    ("getSegment", "segmentKey"): _STANDARD,
    ("patchSegment", "segmentKey"): _STANDARD,
    ("deleteSegment", "segmentKey"): _STANDARD,
    ("getExpiringUserTargetsForSegment", "segmentKey"): _STANDARD,
    ("patchExpiringUserTargetsForSegment", "segmentKey"): _STANDARD,
    ("getToken", "id"): _TOKEN,
    ("patchToken", "id"): _TOKEN,
    ("deleteToken", "id"): _TOKEN,
    ("resetToken", "id"): _TOKEN,
    ("getAuditLogEntry", "id"): _ENTRY,
}


def described(operation_id: str, parameter: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter with its meaning; as it was if the table does not have it."""
    name = parameter["name"]
    known = _OF.get((operation_id, name), _ANYWHERE.get(name))
    schema = {part: value for part, value in parameter["schema"].items() if part != "title"}
    if known is None:
        return {**parameter, "schema": schema}
    return {
        **parameter,
        "description": known.description,
        "schema": {**schema, **known.schema},
        "example": known.example,
    }
