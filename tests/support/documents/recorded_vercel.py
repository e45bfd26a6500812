"""Records Vercel's dialect: segments of a project, and what serves its clients beside them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import httpx

from tests.support.documents import names
from tests.support.documents.recording import Dialect, Recorder

VERCEL: Final[Dialect] = "vercel"
PROJECT: Final = {"projectIdOrName": names.PROJECT}
#: A segment that another one names, and that one.
NAMED: Final = {**PROJECT, "segmentIdOrSlug": "paying"}
NAMING: Final = {**PROJECT, "segmentIdOrSlug": "beta-testers"}
#: Made to be deleted.
NEW: Final = {**PROJECT, "segmentIdOrSlug": "new-segment"}
TEAM: Final = {"teamId": "team_bigseg", "slug": "bigseg"}

Body = dict[str, Any]

_EMAIL: Final = {"type": "entity", "kind": "user", "attribute": "email"}
_USER: Final = {"type": "entity", "kind": "user", "attribute": "id"}
_TEXTS: Final = {
    "label": "Beta testers",
    "description": "People who try things first",
    "hint": "user id",
}
_RULES: Final = [
    {
        "id": "rule_staff",
        "conditions": [
            {
                "lhs": _EMAIL,
                "cmp": "endsWith",
                "rhs": "@example.com",
                "cmpOptions": {"ignoreCase": True},
            }
        ],
        "outcome": {"type": "all"},
    },
    {
        "id": "rule_some",
        "conditions": [
            {"lhs": {"type": "segment"}, "cmp": "eq", "rhs": NAMED["segmentIdOrSlug"]},
            {
                "lhs": {"type": "entity", "kind": "user", "attribute": "country"},
                "cmp": "oneOf",
                "rhs": {"type": "list", "items": [{"value": "de", "label": "Germany"}]},
            },
            {
                "lhs": _EMAIL,
                "cmp": "!regex",
                "rhs": {"type": "regex", "pattern": "^test", "flags": "i"},
            },
        ],
        "outcome": {"type": "split", "base": _USER, "passPromille": 25_000},
    },
]
_DATA: Final = {
    "rules": _RULES,
    "include": {"user": {"id": [{"value": "user-1", "note": "asked for it"}]}},
    "exclude": {"user": {"id": [{"value": "user-2"}]}},
}
NAMING_BODY: Final = {"slug": NAMING["segmentIdOrSlug"], **_TEXTS, "data": _DATA}
NAMED_BODY: Final = {
    "slug": NAMED["segmentIdOrSlug"],
    "label": "Paying customers",
    "hint": "",
    "createdBy": "billing",
    "data": {"include": {"team": {"id": [{"value": "team-1"}]}}},
}
NEW_BODY: Final = {"slug": NEW["segmentIdOrSlug"], "label": "New", "hint": "", "data": {}}
SDK_KEY_BODY: Final = {
    "sdkKeyType": "server",
    "environment": names.ENVIRONMENT,
    "label": "web shop",
}
DEFINITIONS: Final = {
    "new-checkout": {
        "variants": [False, True],
        "seed": 7,
        "environments": {
            names.ENVIRONMENT: {
                "rules": [
                    {
                        "conditions": [["segment", "eq", NAMING["segmentIdOrSlug"]]],
                        "outcome": 1,
                    }
                ],
                "fallthrough": 0,
            }
        },
    }
}


def record_flag_segments(recorder: Recorder) -> None:
    """Leaves two segments, of which one names the other."""
    ask = recorder.ask
    create = "createFlagSegment"
    ask(create, "values only", path=PROJECT, query=TEAM, body=NAMED_BODY, status=201)
    ask(create, "rules and values", path=PROJECT, body=NAMING_BODY, status=201)
    ask(create, path=PROJECT, body=NAMED_BODY, status=409)
    ask(create, path=PROJECT, body={**NEW_BODY, "data": {"rules": [{}]}}, status=400)
    _update(recorder)
    whole = {**TEAM, "withMetadata": True}
    ask("listFlagSegments", "all segments", path=PROJECT, query=whole)
    ask("getFlagSegment", "with its creator", path=NAMING, query=whole)
    ask("getFlagSegment", "that another one names", path=NAMED)
    _delete(recorder)


def _update(recorder: Recorder) -> None:
    ask, update = recorder.ask, "updateFlagSegment"
    read = ask("getFlagSegment", path=NAMING, keep="nothing").headers["ETag"]
    value = {"value": "user-3", "note": "asked for it"}
    add = {
        "action": "add",
        "field": "include",
        "entity": "user",
        "attribute": "id",
        "value": value,
    }
    remove = {**add, "action": "remove", "field": "exclude", "value": {"value": "user-2"}}
    ask(
        update,
        "single values",
        path=NAMING,
        query={**TEAM, "withMetadata": True},
        headers={"If-Match": read},
        body={"operations": [add, remove]},
    )
    ask(update, "texts", path=NAMING, body=_TEXTS)
    ask(update, "all data", path=NAMING, body={"data": _DATA})
    ask(update, path=NAMING, headers={"If-Match": read}, body=_TEXTS, status=412)
    ask(update, path=NAMING, body={"operations": [{**add, "action": "set"}]}, status=400)


def _delete(recorder: Recorder) -> None:
    ask, delete = recorder.ask, "deleteFlagSegment"
    ask(delete, path=NAMED, status=400)
    tag = ask("createFlagSegment", path=PROJECT, body=NEW_BODY, status=201, keep="nothing")
    ask(delete, path=NEW, headers={"If-Match": '"another"'}, status=412)
    ask(
        delete,
        path=NEW,
        query={**TEAM, "withMetadata": False},
        headers={"If-Match": tag.headers["ETag"]},
        status=204,
    )


@dataclass(frozen=True, slots=True)
class Flags:
    """What is left of flags: an SDK key, a client that sends it, and the definitions' tag."""

    hash_key: str
    sdk: httpx.Client
    tag: str


def record_flags(recorder: Recorder, connect: Callable[[str], httpx.Client]) -> Flags:
    """Settings, SDK keys, definitions and the datafile."""
    _record_settings(recorder)
    ask = recorder.ask
    made = ask("createSdkKey", "created", path=PROJECT, query=TEAM, body=SDK_KEY_BODY).json()
    mobile = {**SDK_KEY_BODY, "sdkKeyType": "mobile"}
    ask("createSdkKey", path=PROJECT, body=mobile, status=400)
    ask("getSdkKeys", "all SDK keys", path=PROJECT, query=TEAM)
    put = "putFlagDefinitions"
    first = ask(put, "one flag", path=PROJECT, query=TEAM, body=DEFINITIONS)
    ask(put, path=PROJECT, body={"new-checkout": {"variants": []}}, status=400)
    tag = {"If-Match": first.headers["ETag"]}
    ask(put, path=PROJECT, headers={"If-Match": '"another"'}, body=DEFINITIONS, status=412)
    second = ask(put, "one flag", path=PROJECT, headers=tag, body=DEFINITIONS)
    here = {"If-None-Match": second.headers["ETag"]}
    ask("getFlagDefinitions", "one flag", path=PROJECT, query=TEAM)
    ask("getFlagDefinitions", path=PROJECT, headers=here, status=304)
    sdk = connect(made["keyValue"])
    datafile = ask("getDatafile", "the datafile", client=sdk)
    ask(
        "getDatafile",
        headers={"If-None-Match": datafile.headers["ETag"]},
        status=304,
        client=sdk,
    )
    revision = str(datafile.json()["revision"])
    recorder.keep_parameters("streamDatafile", {"X-Revision": revision})
    counted = [{"type": "FLAGS_EVALUATION", "payload": {"flagKey": "new-checkout", "count": 2}}]
    ask("postFlagMetrics", "evaluations", body=counted, status=202, client=sdk)
    unknown = {"no-such-parameter": "1"}
    ask("postFlagMetrics", query=unknown, body=counted, status=400, client=sdk)
    return Flags(made["hashKey"], sdk, second.headers["ETag"])


def record_end_of_flags(recorder: Recorder, flags: Flags) -> None:
    """Once a list is attached to the segment that the definitions name: take all of it away."""
    ask = recorder.ask
    ask("getDatafile", client=flags.sdk, status=409)
    ask("streamDatafile", client=flags.sdk, status=409)
    another = {"If-Match": '"another"'}
    ask("deleteFlagDefinitions", path=PROJECT, headers=another, status=412)
    tag = {"If-Match": flags.tag}
    ask("deleteFlagDefinitions", path=PROJECT, query=TEAM, headers=tag, status=204)
    ask("deleteSdkKey", path={**PROJECT, "hashKey": flags.hash_key}, query=TEAM, status=204)


def record_account(recorder: Recorder) -> None:
    """The project, the caller and the team."""
    ask = recorder.ask
    created_ms = ask("getVercelProject", path=PROJECT, keep="nothing").json()["createdAt"]
    recorder.normaliser.bind_time(created_ms, 0)
    ask("getVercelProject", "project", path=PROJECT, query=TEAM)
    ask("getVercelUser", "an access token")
    for operation in ("getVercelTeam", "getVercelTeamUnversioned"):
        ask(operation, "the account", path={"teamId": TEAM["teamId"]})


def _record_settings(recorder: Recorder) -> None:
    ask = recorder.ask
    plan = {
        "key": "plan",
        "type": "string",
        "labels": [{"value": "gold", "label": "Gold"}],
    }
    entities = [
        {"kind": "user", "label": "User", "attributes": [{"key": "id", "type": "string"}, plan]}
    ]
    settings = {"entities": entities, "environments": [names.ENVIRONMENT, "preview"]}
    update = "updateFlagSettings"
    ask(update, "entities", path=PROJECT, query=TEAM, body=settings)
    ask(update, "enabled", path=PROJECT, body={"enabled": True}, keep="body")
    ask(update, path=PROJECT, body={"entities": {"user": {}}}, status=400)
    ask("getFlagSettings", "settings", path=PROJECT, query=TEAM)
