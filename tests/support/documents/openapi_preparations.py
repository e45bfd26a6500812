"""What a documented request needs of the instance, made just before it is sent.

A case that needs something of its own, such as a segment to delete, gets it then: ``PREPARATIONS``
says how, by operation.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from schemathesis import Case

from api.launchdarkly.wire.links import RESOURCE_KEY
from tests.support.documents import names
from tests.support.documents.openapi_world import FLAGS, PROJECTS, World
from tests.support.documents.patches import JSON_PATCHES
from tests.support.documents.recorded_lists import LIST, SOURCE
from tests.support.documents.recorded_schedules import WEEKLY
from tests.support.documents.recorded_uploads import new_upload
from tests.support.documents.recorded_vercel import (
    DEFINITIONS,
    NAMED,
    NAMING,
    NEW_BODY,
    PROJECT,
)
from tests.support.documents.recorded_vercel import NEW as FLAG_SEGMENT
from tests.support.documents.recorded_webhooks import WEBHOOK_BODY, WEBHOOKS

AnyCase = Case[Any]

_SEGMENTS: Final = "/api/v2/segments"
_HERE: Final = f"{_SEGMENTS}/{names.PROJECT}/{names.ENVIRONMENT}"
_FLAG_SEGMENTS: Final = f"{FLAGS}/segments"
_DEFINITIONS: Final = f"{FLAGS}/datafile/definitions"
_NEW_LIST: Final = (
    f"{_FLAG_SEGMENTS}/{FLAG_SEGMENT['segmentIdOrSlug']}/lists"
    f"/{LIST['side']}/{LIST['kind']}/{LIST['attribute']}"
)
_INDEPENDENT: Final = {"new-checkout": {"variants": [False], "environments": {}}}
_NEEDED_SLUGS: Final = frozenset({NAMED["segmentIdOrSlug"], NAMING["segmentIdOrSlug"]})


def _reset_standard(world: World) -> None:
    patch = JSON_PATCHES["merge patch with a comment"]
    world.change(f"{_HERE}/{names.SEGMENT}", {"merge": {**patch["merge"], **_TEXTS}})


def _for_patch(world: World, case: AnyCase) -> None:
    """Instructions for big segments go to the big one; the standard one is as in the examples."""
    if "BigSegment" in str(case.body) and case.path_parameters["segmentKey"] == names.SEGMENT:
        case.path_parameters["segmentKey"] = names.BIG_SEGMENT
    _reset_standard(world)


#: Of the kind of contexts that the example's big segment has, of which others are composed.
_BIG_FIELDS: Final = {"unbounded": True, "unboundedContextKind": "customer"}


def _for_import(world: World, case: AnyCase) -> None:
    """A list takes one import at a time, and no worker is there to end any."""
    if case.path_parameters["segmentKey"] == _NEW["segmentKey"]:
        body = {"key": _NEW["segmentKey"], "name": "New", **_BIG_FIELDS}
        world.unmake(f"{_HERE}/{_NEW['segmentKey']}")
        world.make(_HERE, body)


def _for_composition(world: World, case: AnyCase) -> None:
    """The segments that the example is made of."""
    _for_import(world, case)
    key = names.OTHER_BIG_SEGMENT
    world.make(_HERE, {"key": key, "name": "Other", **_BIG_FIELDS})


def _for_uploads_import(world: World, case: AnyCase) -> None:
    """An import of an upload made for it."""
    _for_import(world, case)
    _give_upload(world, case, f"{_HERE}/{case.path_parameters['segmentKey']}/uploads")


def _give_upload(world: World, case: AnyCase, uploads: str) -> None:
    if not isinstance(case.body, dict) or not case.body.get("uploads"):
        return
    if made := new_upload(world.client, uploads, complete=True):
        case.body["uploads"] = [made]


def _for_upload(world: World, case: AnyCase) -> None:
    """An upload made for it, which can be completed and deleted."""
    places = {name: quote(str(value), "") for name, value in case.path_parameters.items()}
    uploads = case.operation.path.partition("/{uploadID}")[0].format(**places)
    if made := new_upload(world.client, uploads):
        case.path_parameters["uploadID"] = made


def _for_delete(world: World, case: AnyCase) -> None:
    """Delete something made for it, never what other cases need."""
    collection = case.operation.path.rpartition("/")[0].format(**case.path_parameters)
    kind = ("projectKey", "environmentKey", "segmentKey")[len(case.path_parameters) - 1]
    if f"{collection}/{case.path_parameters[kind]}" in _NEEDED:
        case.path_parameters[kind] = _NEW[kind]
    if case.path_parameters[kind] == _NEW[kind]:
        world.make(collection, {"key": _NEW[kind], "name": "New"})


def _for_token(world: World, case: AnyCase) -> None:
    """Delete a token made for it."""
    documented = world.recorder.examples("deleteToken")["parameters"]
    if case.path_parameters["id"] == world.real(documented)["id"]:
        case.path_parameters["id"] = world.new_token()["_id"]


def _for_post(world: World, case: AnyCase) -> None:
    """Take away what has the key already, unless other cases need it."""
    if not isinstance(case.body, dict) or not isinstance(case.body.get("key"), str):
        return
    collection = case.operation.path.format(**case.path_parameters)
    if f"{collection}/{case.body['key']}" in _NEEDED:
        case.body["key"] = _NEW["projectKey"]
    keys = (case.body["key"], *case.path_parameters.values())
    if all(RESOURCE_KEY.fullmatch(one) for one in keys):
        world.unmake(f"{collection}/{case.body['key']}")


def _for_schedule_delete(world: World, case: AnyCase) -> None:
    """Delete a schedule made for it, never what other cases need."""
    if case.path_parameters["scheduleKey"] == names.SCHEDULE:
        case.path_parameters["scheduleKey"] = names.SECOND_SCHEDULE
    if case.path_parameters["scheduleKey"] == names.SECOND_SCHEDULE:
        world.make(f"{_HERE}/{names.BIG_SEGMENT}/export-schedules", WEEKLY)


def _for_schedule_patch(world: World, case: AnyCase) -> None:
    """Change the schedule that stays, whatever version it has by now."""
    del world
    if case.path_parameters["scheduleKey"] == names.SECOND_SCHEDULE:
        case.path_parameters["scheduleKey"] = names.SCHEDULE
    if isinstance(case.body, dict) and len(case.body) > 1:
        case.body.pop("version", None)


def _for_datafile(world: World, case: AnyCase) -> None:
    """Definitions of flags that need no attached list."""
    del case
    world.put(_DEFINITIONS, _INDEPENDENT)


def _for_flag_segment(world: World, case: AnyCase) -> None:
    """Take away what has the slug already, unless other cases need it."""
    if not isinstance(case.body, dict) or not isinstance(case.body.get("slug"), str):
        return
    if case.body["slug"] in _NEEDED_SLUGS:
        case.body["slug"] = FLAG_SEGMENT["segmentIdOrSlug"]
    if case.body["slug"] == FLAG_SEGMENT["segmentIdOrSlug"]:
        world.unmake(f"{_FLAG_SEGMENTS}/{case.body['slug']}")


def _for_flag_segment_delete(world: World, case: AnyCase) -> None:
    """Delete a segment made for it."""
    if case.path_parameters["segmentIdOrSlug"] in _NEEDED_SLUGS:
        case.path_parameters["segmentIdOrSlug"] = FLAG_SEGMENT["segmentIdOrSlug"]
    if case.path_parameters == FLAG_SEGMENT:
        world.put(_FLAG_SEGMENTS, NEW_BODY)


def _for_list(world: World, case: AnyCase) -> None:
    """A list that no import is building, of a segment made for it, and an upload to import."""
    if _is_new_list(case):
        world.put(_FLAG_SEGMENTS, NEW_BODY)
        world.unmake(_NEW_LIST)
        _give_upload(world, case, f"{_NEW_LIST}/uploads")


def _for_list_delete(world: World, case: AnyCase) -> None:
    """Delete a list attached for it, never what other cases need."""
    if case.path_parameters["segmentIdOrSlug"] in _NEEDED_SLUGS:
        case.path_parameters["segmentIdOrSlug"] = FLAG_SEGMENT["segmentIdOrSlug"]
    if _is_new_list(case):
        world.put(_FLAG_SEGMENTS, NEW_BODY)
        world.put(f"{_NEW_LIST}/imports", SOURCE)


def _is_new_list(case: AnyCase) -> bool:
    return all(case.path_parameters[name] == value for name, value in FLAG_SEGMENT.items()) and all(
        case.path_parameters[name] == LIST[name] for name in ("side", "kind", "attribute")
    )


def _for_definitions(world: World, case: AnyCase) -> None:
    """Definitions to read or to delete."""
    if case.path_parameters == PROJECT:
        world.put(_DEFINITIONS, DEFINITIONS)


def _for_sdk_key(world: World, case: AnyCase) -> None:
    """Revoke a key made for it; all of them would be too many."""
    if case.operation.method.upper() == "DELETE":
        documented = world.recorder.examples("deleteSdkKey")["parameters"]
        if case.path_parameters["hashKey"] == world.real(documented)["hashKey"]:
            case.path_parameters["hashKey"] = world.new_sdk_key()["hashKey"]


def _for_environment_sdk_key(world: World, case: AnyCase) -> None:
    """Revoke a key made for it, and none that nobody has made."""
    documented = world.recorder.examples("deleteEnvironmentSdkKey")["parameters"]
    if case.path_parameters["sdkKeyId"] == world.real(documented)["sdkKeyId"]:
        case.path_parameters["sdkKeyId"] = world.new_environment_sdk_key()


def _for_webhook(world: World, case: AnyCase) -> None:
    """Create where there is room; delete one made for it, never the one that other cases need."""
    needed = _webhook_of(world, "getWebhook")
    if case.operation.method.upper() == "POST":
        for each in world.client.get(WEBHOOKS).json()["items"]:
            if each["id"] != needed:
                world.unmake(f"{WEBHOOKS}/{each['id']}")
    elif case.path_parameters["webhookId"] in {needed, _webhook_of(world, "deleteWebhook")}:
        reply = world.client.post(WEBHOOKS, json=WEBHOOK_BODY)
        if reply.is_success:
            case.path_parameters["webhookId"] = reply.json()["id"]


def _for_webhook_patch(world: World, case: AnyCase) -> None:
    """Change another one than other cases need, which could not test it while it is paused."""
    needed = _webhook_of(world, "getWebhook")
    if case.path_parameters["webhookId"] != needed:
        return
    webhooks = world.client.get(WEBHOOKS).json()["items"]
    others = [each["id"] for each in webhooks if each["id"] != needed]
    made = others or [world.client.post(WEBHOOKS, json=WEBHOOK_BODY).json()["id"]]
    case.path_parameters["webhookId"] = made[0]


def _webhook_of(world: World, operation: str) -> str:
    return str(world.real(world.recorder.examples(operation)["parameters"])["webhookId"])


_TEXTS: Final = {"name": "Beta testers", "description": "", "tags": ["beta"]}
_NEW: Final = {
    "projectKey": "new-project",
    "environmentKey": "new-environment",
    "segmentKey": "new-segment",
}
_NEEDED: Final = frozenset(
    {
        f"{PROJECTS}/{names.SCRATCH_PROJECT}",
        f"{PROJECTS}/web-shop",
        f"{PROJECTS}/web-shop/environments/staging",
        f"{PROJECTS}/{names.PROJECT}",
        f"{PROJECTS}/{names.PROJECT}/environments/{names.ENVIRONMENT}",
        f"{PROJECTS}/{names.PROJECT}/environments/{names.SCRATCH_ENVIRONMENT}",
        f"{_HERE}/{names.SEGMENT}",
        f"{_HERE}/{names.BIG_SEGMENT}",
        f"{_HERE}/{names.BIG_SEGMENT}/export-schedules/{names.SCHEDULE}",
    }
)
#: Path parameters that are not those of the examples.
PLACES: Final[Mapping[str, Mapping[str, str]]] = {
    "postSegment": {"environmentKey": names.SCRATCH_ENVIRONMENT},
    "postEnvironment": {"projectKey": names.SCRATCH_PROJECT},
    "createBigSegmentImport": {"segmentKey": _NEW["segmentKey"]},
    "createBigSegmentImportFromSource": {"segmentKey": _NEW["segmentKey"]},
    "createBigSegmentImportFromUploads": {"segmentKey": _NEW["segmentKey"]},
    "composeBigSegment": {"segmentKey": _NEW["segmentKey"]},
    "deleteSegment": {"segmentKey": _NEW["segmentKey"]},
    "createFlagSegmentListImport": FLAG_SEGMENT,
    "deleteFlagSegmentList": {**FLAG_SEGMENT, "side": LIST["side"]},
    "deleteEnvironment": {"environmentKey": _NEW["environmentKey"]},
    "deleteProject": {"projectKey": _NEW["projectKey"]},
}
PREPARATIONS: Final[Mapping[str, Callable[[World, AnyCase], None]]] = {
    "patchSegment": _for_patch,
    "createBigSegmentImport": _for_import,
    "createBigSegmentImportFromSource": _for_import,
    "createBigSegmentImportFromUploads": _for_uploads_import,
    "composeBigSegment": _for_composition,
    **dict.fromkeys(
        (
            *("completeBigSegmentUpload", "deleteBigSegmentUpload"),
            *("completeFlagSegmentListUpload", "deleteFlagSegmentListUpload"),
        ),
        _for_upload,
    ),
    "deleteSegment": _for_delete,
    "deleteEnvironment": _for_delete,
    "deleteProject": _for_delete,
    "deleteToken": _for_token,
    "createBigSegmentExportSchedule": _for_post,
    "deleteBigSegmentExportSchedule": _for_schedule_delete,
    "patchBigSegmentExportSchedule": _for_schedule_patch,
    "postSegment": _for_post,
    "postEnvironment": _for_post,
    "postProject": _for_post,
    "createFlagSegment": _for_flag_segment,
    "deleteFlagSegment": _for_flag_segment_delete,
    "createFlagSegmentListImport": _for_list,
    "deleteFlagSegmentList": _for_list_delete,
    "getFlagDefinitions": _for_definitions,
    "deleteFlagDefinitions": _for_definitions,
    "deleteSdkKey": _for_sdk_key,
    "deleteEnvironmentSdkKey": _for_environment_sdk_key,
    "createWebhook": _for_webhook,
    "deleteWebhook": _for_webhook,
    "patchWebhook": _for_webhook_patch,
    "getDatafile": _for_datafile,
}
