"""What is put on record: every change, who made it and why, and no context key."""

import json
from typing import Any

import httpx
import pytest
from launchdarkly_api import (
    ApiClient,
    AuditLogApi,
    EnvironmentPost,
    EnvironmentsApi,
    PatchOperation,
    ProjectPost,
    ProjectsApi,
    SegmentBody,
    SegmentsApi,
    SegmentUserList,
    SegmentUserState,
)
from launchdarkly_api.exceptions import BadRequestException

from tests.support.clients.python_client import (
    ENVIRONMENT,
    PROJECT,
    SEMANTIC,
    as_sent,
    json_patch,
    semantic_patch,
    specifier,
)
from tests.support.servers.api import SEGMENTS, TOKEN, Api, new_key
from tests.support.servers.redis import wait_until
from worker.store import Change, EnvironmentRef, Store, StoreSettings, open_store

#: In every context key that these tests use.
SECRET = "secret-context"
LOG = "/api/v2/auditlog"


def _actions(audit: AuditLogApi, spec: str, **more: Any) -> list[list[str | None]]:
    items = audit.get_audit_log_entries(spec=spec, limit=20, **more).items
    return [[access.action for access in one.accesses] for one in items]


def _replace(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


def test_entry__of_a_patch__says_who_what_and_why(
    audit: AuditLogApi, segments: SegmentsApi, place: tuple[str, str, str]
) -> None:
    patch = json_patch(
        _replace("/name", "Renamed"),
        _replace("/included", [f"{SECRET}-1", f"{SECRET}-2"]),
        comment="because",
    )
    segments.patch_segment(*place, patch)

    listed = audit.get_audit_log_entries(spec=specifier(place))
    shown = as_sent(audit.get_audit_log_entry_with_http_info(listed.items[0].id))

    entry = audit.get_audit_log_entry(listed.items[0].id)
    assert entry.previous_version == {
        "key": place[2],
        "name": f"Name of {place[2]}",
        "tags": [],
        "version": 1,
        "generation": 1,
        "unbounded": False,
        "included": 0,
        "excluded": 0,
        "rules": 0,
    }
    assert entry.current_version == entry.previous_version | {
        "name": "Renamed",
        "version": 2,
        "included": 2,
        "edits": {"included": {"added": 2, "removed": 0}},
    }
    path = f"{SEGMENTS}/{place[2]}"
    where = {
        "canonical": {"href": path, "type": "application/json"},
        "site": {"href": f"/default/production/segments/{place[2]}", "type": "text/html"},
    }
    environment = "/api/v2/projects/default/environments/production"
    del shown["previousVersion"], shown["currentVersion"]
    assert len(shown.pop("_accountId")) == 24
    assert abs(shown.pop("date") - listed.items[1].var_date) < 60_000
    assert shown == {
        "_id": entry.id,
        "_links": {
            "self": {"href": f"{LOG}/{entry.id}", "type": "application/json"},
            "parent": {"href": LOG, "type": "application/json"},
            **where,
        },
        "accesses": [
            {"action": "updateName", "resource": specifier(place)},
            {"action": "updateIncluded", "resource": specifier(place)},
        ],
        "kind": "segment",
        "name": "Renamed",
        "description": f'- name: "Name of {place[2]}" → "Renamed"\n- included: 0 → 2\n'
        '- edits: {"included": {"added": 2, "removed": 0}}',
        "shortDescription": "updated the segment Renamed",
        "comment": "because",
        "subject": {"name": "admin token"},
        "token": {"_id": "admin", "name": "admin token"},
        "titleVerb": "updated the segment",
        "title": "admin token updated the segment Renamed",
        "target": {"_links": where, "name": "Renamed", "resources": [specifier(place)]},
        "parent": {
            "_links": {
                "self": {"href": environment, "type": "application/json"},
                "segments": {"href": SEGMENTS, "type": "application/json"},
            },
            "name": "production",
            "resource": "proj/default:env/production",
        },
    }


def test_log__of_a_standard_segment__has_each_change_and_no_other(
    audit: AuditLogApi, segments: SegmentsApi, plain: httpx.Client, place: tuple[str, str, str]
) -> None:
    segments.patch_segment(*place, json_patch(_replace("/tags", ["a"])))
    segments.patch_segment(*place, json_patch(_replace("/tags", ["a"]), comment="changes nothing"))
    plain.patch(f"{SEGMENTS}/{place[2]}?dryRun=true", json={"name": "never"})
    with pytest.raises(BadRequestException):
        segments.patch_segment(*place, json_patch(_replace("/name", "")))
    with pytest.raises(BadRequestException):
        segments.update_big_segment_targets(
            *place, SegmentUserState(included=SegmentUserList(add=["k"]))
        )
    rule = {"clauses": [{"attribute": "a", "op": "in", "values": [SECRET]}]}
    instructions = (
        {"kind": "addExcludedTargets", "contextKind": "org", "values": [f"{SECRET}-3"]},
        {"kind": "addRule", **rule},
        {"kind": "updateDescription", "value": "d"},
    )
    segments.patch_segment(*place, semantic_patch(*instructions), _content_type=SEMANTIC)
    segments.delete_segment(*place)

    assert _actions(audit, specifier(place)) == [
        ["deleteSegment"],
        ["updateDescription", "updateExcluded", "updateRules"],
        ["updateTags"],
        ["createSegment"],
    ]
    deleted = audit.get_audit_log_entries(spec=specifier(place)).items[0]
    last = audit.get_audit_log_entry(deleted.id)
    assert last.current_version is None
    assert last.previous_version is not None
    assert (last.previous_version["excluded"], last.previous_version["rules"]) == (1, 1)


def test_log__of_a_big_segment__counts_keys_and_holds_none(
    audit: AuditLogApi,
    segments: SegmentsApi,
    plain: httpx.Client,
    store: Store,
    big: tuple[str, str, str],
) -> None:
    keys = [f"{SECRET}-{number}" for number in range(3)]
    for call in (
        segments.update_big_segment_targets,
        segments.update_big_segment_context_targets,
    ):
        call(*big, SegmentUserState(included=SegmentUserList(add=keys, remove=keys[:1])))
    segments.update_big_segment_targets(*big, SegmentUserState(included=SegmentUserList(add=[])))
    instructions = (
        {"kind": "addBigSegmentExcludedTargets", "values": [f"{SECRET}-9"]},
        {"kind": "updateName", "value": "Renamed"},
    )
    segments.patch_segment(*big, semantic_patch(*instructions), _content_type=SEMANTIC)
    upload = {"file": ("list.csv", "\n".join(keys).encode())}
    path = f"{SEGMENTS}/{big[2]}"
    assert plain.post(f"{path}/imports", files=upload).status_code == 204
    assert plain.post(f"{path}/imports", files=upload).status_code == 409
    assert plain.post(f"{path}/exports").status_code == 200
    segments.delete_segment(*big)

    entries = audit.get_audit_log_entries(spec=specifier(big), limit=20).items
    assert [[access.action for access in one.accesses] for one in entries] == [
        ["deleteSegment"],
        ["createBigSegmentExport"],
        ["createBigSegmentImport"],
        ["updateName"],
        ["updateExcluded"],
        ["updateIncluded"],
        ["updateIncluded"],
        ["createSegment"],
    ]
    whole = [audit.get_audit_log_entry(one.id) for one in entries]
    assert whole[4].current_version == {"edits": {"excluded": {"added": 1, "removed": 0}}}
    assert whole[5].current_version == {"edits": {"included": {"added": 3, "removed": 1}}}
    imported = whole[2].current_version
    assert imported is not None
    assert {name: imported[name] for name in ("mode", "source", "sizeBytes", "allowEmpty")} == {
        "mode": "merge",
        "source": "list.csv",
        "sizeBytes": len("\n".join(keys)),
        "allowEmpty": False,
    }
    raw: Any = store.client
    for key in (
        store.keyspace.audit_log(EnvironmentRef(PROJECT, ENVIRONMENT)),
        store.keyspace.account_audit_log(),
    ):
        assert SECRET not in repr(raw.xrange(key))


def test_delete__cut_off_and_sent_again__is_finished_and_recorded(
    audit: AuditLogApi, segments: SegmentsApi, store: Store, big: tuple[str, str, str]
) -> None:
    store.memberships.delete(store.segments.get(EnvironmentRef(*big[:2]), big[2]).ref)

    segments.delete_segment(*big)

    assert _actions(audit, specifier(big)) == [["deleteSegment"], ["createSegment"]]


def test_log__of_places__outlives_them(
    client: ApiClient, audit: AuditLogApi, store: Store, segments: SegmentsApi
) -> None:
    key = new_key("project")
    projects, environments = ProjectsApi(client), EnvironmentsApi(client)
    projects.post_project(ProjectPost(name="P", key=key))
    renamed = [PatchOperation(op="replace", path="/name", value="Q")]
    projects.patch_project(key, renamed)
    projects.patch_project(key, renamed)
    environments.post_environment(key, EnvironmentPost(name="L", key="live", color="417505"))
    recolored = {"patch": [_replace("/color", "DADBEE")], "comment": "brighter"}
    path = f"/api/v2/projects/{key}/environments/live"
    with httpx.Client(base_url=client.configuration.host) as plain:
        reply = plain.patch(path, json=recolored, headers={"Authorization": TOKEN})
    assert reply.status_code == 200
    segments.post_segment(key, "live", SegmentBody(name="s", key="s"))
    assert _actions(audit, f"proj/{key}:env/*:segment/*") == [["createSegment"]]
    environments.delete_environment(key, "live")
    projects.delete_project(key)

    assert _actions(audit, f"proj/{key}") == [
        ["deleteProject"],
        ["updateProjectName"],
        ["createProject"],
    ]
    spec = f"proj/{key}:env/live"
    assert _actions(audit, spec) == [["deleteEnvironment"], ["updateColor"], ["createEnvironment"]]
    assert _actions(audit, f"proj/{key}:env/*:segment/*") == []
    entry = audit.get_audit_log_entries(spec=spec).items[1]
    assert (entry.kind, entry.name, entry.comment) == ("environment", "L", "brighter")
    assert entry.parent is not None
    assert entry.parent.resource == f"proj/{key}"
    whole = audit.get_audit_log_entry(entry.id)
    assert whole.previous_version is not None
    assert "sdk-" not in json.dumps(whole.previous_version)
    raw: Any = store.client
    assert not raw.exists(store.keyspace.audit_log(EnvironmentRef(key, "live")))


def test_change__store_takes_no_entry__is_made_and_logged(
    api: Api, client: ApiClient, segments: SegmentsApi, store: Store
) -> None:
    """What happens when the log's key is spoilt; a store that fails in between does the same."""
    key = new_key("project")
    ProjectsApi(client).post_project(ProjectPost(name="P", key=key))
    log = store.keyspace.audit_log(EnvironmentRef(key, "production"))
    store.client.hset(log, "no", "stream")

    made = segments.post_segment(key, "production", SegmentBody(name="lost one", key="s"))

    assert made.key == "s"
    assert segments.get_segment(key, "production", "s").version == 1
    wait_until(lambda: "lost one" in api.log, "the entry is in the process's log")
    lines = [json.loads(line) for line in api.log.splitlines() if "lost one" in line]
    assert [(one["event"], one["level"]) for one in lines] == [("audit.lost", "error")]
    assert lines[0]["entry"]["resource"] == f"proj/{key}:env/production:segment/s"
    ProjectsApi(client).delete_project(key)


def test_setting__entries_to_keep__bounds_the_log(api: Api) -> None:
    settings = {"redis_url": api.redis_url, "key_prefix": f"{api.prefix}-few", "audit_entries": 2}
    change = Change("a", "", ("x",), "project", "proj/p", "p", "changed the project")
    with open_store(StoreSettings.model_validate(settings)) as store:
        for _ in range(5):
            store.audit.append(None, change)
        assert len(list(store.audit.newest([None]))) == 2
        store.client.unlink(store.keyspace.account_audit_log())
