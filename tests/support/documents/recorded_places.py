"""Records projects, environments, tokens, the audit log and the service itself."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx

from tests.support.documents import names
from tests.support.documents.recording import Recorder

_PROJECT: Final = {"projectKey": names.PROJECT}
_SHOP: Final = {"projectKey": "web-shop"}
_SEGMENTS: Final = f"proj/{names.PROJECT}:env/{names.ENVIRONMENT}:segment/*"
_PATCH: Final = [
    {"op": "replace", "path": "/name", "value": "Renamed"},
    {"op": "add", "path": "/tags/-", "value": "eu"},
]
_PATCHES: Final[Mapping[str, Any]] = {
    "json patch": _PATCH,
    "json patch with a comment": {
        "patch": [{"op": "replace", "path": "/tags", "value": ["live"]}],
        "comment": "new names",
    },
}
_HOUR_MS: Final = 3_600_000


def record_projects(recorder: Recorder) -> None:
    """Leaves `web-shop`."""
    ask = recorder.ask
    ask("deleteProject", path=_PROJECT, status=409)
    own = {
        "key": "web-shop",
        "name": "Web shop",
        "tags": ["shop"],
        "environments": [{"key": "production", "name": "Production"}],
    }
    ask("postProject", "with its own environments", body=own, status=201)
    usual = {"key": "mobile-app", "name": "Mobile app"}
    ask("postProject", "with the usual environments", body=usual, status=201)
    ask("postProject", body=usual, status=409)
    ask("postProject", body={"key": "mobile-app"}, status=400)
    ask("getProject", "project", path=_SHOP)
    ask("getProject", "with its environments", path=_SHOP, query={"expand": "environments"})
    page = {"limit": 2, "offset": 0, "sort": "name,-createdOn", "filter": "query:shop"}
    ask("getProjects", "a page", query={**page, "expand": "environments"})
    ask("getProjects", query={"filter": "name:shop"}, status=400)
    _patch(recorder, "patchProject", _SHOP, _PATCHES)
    ask("patchProject", path=_SHOP, body=[{"op": "remove", "path": "/key"}], status=400)
    ask("deleteProject", path={"projectKey": "mobile-app"}, status=204)
    here = {**_PROJECT, "environmentKey": names.ENVIRONMENT}
    environment = ask("getEnvironment", "environment", path=here).json()["_id"]
    resource = {**_PROJECT, "resourceType": "segments", "resourceKey": names.SEGMENT}
    query = {"environmentId": environment, "limit": 20, "offset": 0, "sort": "", "filter": ""}
    ask("getLinkedViews", "no views", path=resource, query=query)


def record_environments(recorder: Recorder) -> None:
    """Of `web-shop`."""
    ask = recorder.ask
    full = {
        "key": "staging",
        "name": "Staging",
        "color": "417505",
        "tags": ["internal"],
        "critical": True,
    }
    ask("postEnvironment", "in full", path=_SHOP, body=full, status=201)
    named = {"key": "test", "name": "Test"}
    ask("postEnvironment", "named", path=_SHOP, body=named, status=201)
    ask("postEnvironment", path=_SHOP, body=named, status=409)
    ask("postEnvironment", path=_SHOP, body={**named, "colour": "417505"}, status=400)
    page = {"limit": 2, "offset": 0, "sort": "name,-createdOn"}
    query = {**page, "filter": "query:ing,tags:internal"}
    ask("getEnvironmentsByProject", "a page", path=_SHOP, query=query)
    _patch(recorder, "patchEnvironment", {**_SHOP, "environmentKey": "staging"}, _PATCHES)
    _record_erasures(recorder, {**_SHOP, "environmentKey": "staging"})
    ask("deleteEnvironment", path={**_SHOP, "environmentKey": "test"}, status=204)


def _record_erasures(recorder: Recorder, path: dict[str, str]) -> None:
    """No upkeep is running, so none of them is complete."""
    ask = recorder.ask
    person = {"kind": "user", "key": names.MEMBER}
    made = ask("createErasure", "a person", path=path, body=person, status=202).json()
    context = {**path, "contextKind": "user", "contextKey": "customer-9012"}
    ask("eraseContext", "a key in the path", path=context, status=202)
    ask("getErasure", "under way", path={**path, "erasureID": made["id"]})
    ask("getErasures", "all", path=path, query={"limit": 20, "offset": 0})
    ask("createErasure", path=path, body={**person, "kind": "multi"}, status=400)


def record_tokens(recorder: Recorder, connect: Callable[[str], httpx.Client]) -> httpx.Client:
    """Give a client with the token of a writer whose scope is the examples' segments."""
    ask = recorder.ask
    resources = [_SEGMENTS, f"proj/*:env/*:segment/{names.SEGMENT}"]
    scope = [{"effect": "allow", "actions": ["*"], "resources": resources}]
    reader = {"name": "dashboard", "role": "reader"}
    writer = {
        "name": "nightly import",
        "description": "Brings the lists in",
        "inlineRole": scope,
        "serviceToken": True,
        "defaultApiVersion": 20_240_415,
        "expiry": names.EXPIRES,
    }
    unused = ask("postToken", "reader of everything", body=reader, status=201).json()
    made = ask("postToken", "writer with a scope", body=writer, status=201).json()
    ask("postToken", body={"name": "wrong", "role": "owner"}, status=400)
    path = {"id": made["_id"]}
    ask("getToken", "token", path=path)
    patches = {
        "json patch": [
            {"op": "replace", "path": "/name", "value": "nightly import"},
            {"op": "replace", "path": "/inlineRole", "value": scope},
        ],
        "json patch with a comment": {
            "patch": [{"op": "replace", "path": "/role", "value": "writer"}],
            "comment": "it only writes",
        },
    }
    _patch(recorder, "patchToken", path, patches)
    until = {"expiry": names.EXPIRES}
    ask("resetToken", "the old secret stops working", path=path, query=until)
    reset = ask("resetToken", "until when the old secret works", path=path, body=until).json()
    ask("getTokens", "a page", query={"limit": 25, "offset": 0})
    ask("deleteToken", path={"id": unused["_id"]}, status=204)
    client = connect(reset["token"])
    ask("getCallerIdentity", "a token", client=client)
    return client


def record_audit_log(recorder: Recorder, writer: httpx.Client) -> None:
    """Of the changes of the standard segment; one more is made."""
    ask = recorder.ask
    here = {**_PROJECT, "environmentKey": names.ENVIRONMENT, "segmentKey": names.SEGMENT}
    patch = [{"op": "replace", "path": "/name", "value": "Beta testers of the shop"}]
    change = {"patch": patch, "comment": "asked for by the beta team"}
    ask("patchSegment", path=here, body=change, keep="nothing", client=writer)
    page = {"limit": 2, "spec": _SEGMENTS.replace("*", names.SEGMENT)}
    newest, older = ask("getAuditLogEntries", "a page", query=page).json()["items"]
    bounded = {
        "before": newest["date"],
        "after": older["date"],
        "q": "beta",
        "member": ["569f183514f4432160000007"],
        "token": ["61095542756dba551110ae21"],
        "olderThan": newest["_id"],
    }
    ask("getAuditLogEntries", "nothing found", query=bounded)
    ask("getAuditLogEntries", query={"olderThan": "yesterday"}, status=400)
    statements: dict[str, Any] = {
        "changes of segments, but not of names": [
            {"effect": "allow", "resources": [_SEGMENTS]},
            {"effect": "deny", "resources": ["*"], "actions": ["updateName"]},
        ],
        "all changes": [],
    }
    for label, body in statements.items():
        ask("postAuditLogEntries", label, query={"limit": 1}, body=body)
    ask("postAuditLogEntries", "nothing found", query=bounded, body=[])
    ask("postAuditLogEntries", body=[{"effect": "maybe"}], status=400)
    ask("getAuditLogEntry", "an entry", path={"id": newest["_id"]})
    # An hour's bounds are far from all that was changed.
    after = newest["date"] - 3 * _HOUR_MS // 2
    query = {"after": after, "before": after + 3 * _HOUR_MS, "buckets": 3}
    found = {"member": bounded["member"], "token": bounded["token"]}
    for hours in range(4):
        recorder.normaliser.bind_time(after + hours * _HOUR_MS, hours * _HOUR_MS)
    for label, body in statements.items():
        ask("postAuditLogEntryCounts", label, query=query, body=body)
    ask("postAuditLogEntryCounts", "nothing found", query={**query, **found}, body=[])
    backwards = {"after": query["before"], "before": after}
    ask("postAuditLogEntryCounts", query=backwards, body=[], status=400)


def record_service(recorder: Recorder) -> None:
    """Health and metrics."""
    recorder.ask("getLiveness", "alive")
    recorder.ask("getReadiness", "all parts answer")
    recorder.ask("getMetrics", "look-ups", lines="bigseg_lookups_total")


def _patch(
    recorder: Recorder, operation_id: str, path: Mapping[str, str], patches: Mapping[str, Any]
) -> None:
    for label, patch in patches.items():
        recorder.ask(operation_id, label, path=path, body=patch)
    wrong = [{"op": "test", "path": "/name", "value": "another"}]
    recorder.ask(operation_id, path=path, body=wrong, status=409)
