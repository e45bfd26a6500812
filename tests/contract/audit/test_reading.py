"""The log of changes, read with LaunchDarkly's Python client: pages, search, counts, refusals."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from launchdarkly_api import (
    AuditLogApi,
    SegmentsApi,
    StatementPost,
)
from launchdarkly_api.exceptions import BadRequestException, NotFoundException

from tests.support.clients.python_client import json_patch, specifier
from tests.support.servers.api import assert_refused

LOG = "/api/v2/auditlog"


def _replace(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


def test_pages__by_time_and_by_link__give_each_entry_once(
    audit: AuditLogApi, plain: httpx.Client, segments: SegmentsApi, place: tuple[str, str, str]
) -> None:
    for number in range(6):
        segments.patch_segment(*place, json_patch(_replace("/name", f"n{number}")))
    whole = audit.get_audit_log_entries(spec=specifier(place), limit=20)
    assert len(whole.items) == 7
    assert set(whole.links) == {"self"}

    read: list[str] = []
    href = f"{LOG}?spec={specifier(place)}&limit=3"
    while href:
        page = plain.get(href).json()
        read += [one["_id"] for one in page["items"]]
        href = page["_links"].get("next", {}).get("href", "")
        assert plain.get(page["_links"]["self"]["href"]).json() == page
    assert read == [one.id for one in whole.items]

    dates = [one.var_date for one in whole.items]
    later = audit.get_audit_log_entries(spec=specifier(place), after=dates[3], limit=20).items
    earlier = audit.get_audit_log_entries(spec=specifier(place), before=dates[3], limit=20).items
    assert [one.var_date for one in later] == [one for one in dates if one > dates[3]]
    assert [one.var_date for one in earlier] == [one for one in dates if one < dates[3]]
    assert audit.get_audit_log_entries(before=1).items == []


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ("proj/*:env/production:segment/{key}", True),
        ("proj/d*t:env/*:segment/big*", True),
        ("proj/*:env/*:segment/*;nightly", True),
        ("*", True),
        ("proj/*:env/*:segment/*;daily", False),
        ("proj/*:env/test:segment/*", False),
        ("proj/*:env/*:flag/*", False),
        ("proj/*", False),
        ("proj/*:env/*", False),
    ],
)
def test_spec__of_resources__takes_what_it_names(
    audit: AuditLogApi, big: tuple[str, str, str], spec: str, *, found: bool
) -> None:
    items = audit.get_audit_log_entries(spec=spec.format(key=big[2]), q=big[2].upper()).items

    assert [one.name for one in items] == [f"Big {big[2]}"] * found


def _statement(effect: str = "allow", **fields: list[str]) -> StatementPost:
    return StatementPost(effect=effect, **fields)


def test_search__by_statements__selects_as_a_policy_does(
    audit: AuditLogApi, segments: SegmentsApi, place: tuple[str, str, str]
) -> None:
    segments.patch_segment(*place, json_patch(_replace("/name", "n"), _replace("/tags", ["t"])))
    segments.delete_segment(*place)
    mine = [specifier(place)]
    every = ["deleteSegment", "updateName", "createSegment"]

    def searched(*statements: StatementPost, **more: Any) -> list[str | None]:
        items = audit.post_audit_log_entries(statement_post=list(statements), **more).items
        return [one.accesses[0].action for one in items]

    assert searched(_statement(resources=mine)) == every
    assert searched(_statement(resources=mine, actions=["update*"])) == every[1:2]
    assert searched(_statement(resources=mine, not_actions=["update*"])) == every[::2]
    assert searched(_statement(resources=mine), _statement("deny", actions=["*Tags"])) == every
    deny = _statement("deny", actions=["create*", "updateName", "updateTags"])
    assert searched(_statement(resources=mine), deny) == every[:1]
    others = _statement(not_resources=["proj/none"])
    assert searched(others, _statement("deny", not_resources=mine), limit=20) == every
    assert searched(_statement("deny", resources=mine)) == []
    assert searched(_statement(resources=mine), token="admin", q=place[2]) == every
    assert searched(_statement(resources=mine), token="other") == []
    assert searched(_statement(resources=mine), member="somebody") == []
    assert len(audit.post_audit_log_entries(limit=3).items) == 3


def test_counts__of_a_time__add_up(
    audit: AuditLogApi, segments: SegmentsApi, place: tuple[str, str, str]
) -> None:
    first = audit.get_audit_log_entries(spec=specifier(place)).items[0]
    segments.delete_segment(*place)
    statements = [_statement(resources=[specifier(place)])]
    after, before = first.var_date - 1, first.var_date + 100_000

    counts = audit.post_audit_log_entry_counts(after, statements, before=before, buckets=7)

    assert (counts.total_count, counts.bucket_interval_ms) == (2, 14_286)
    assert [one.timestamp for one in counts.buckets] == [after + n * 14_286 for n in range(7)]
    assert sum(one.count for one in counts.buckets) == 2
    with pytest.raises(BadRequestException):
        audit.post_audit_log_entry_counts(after, statements, before=after)


@pytest.mark.parametrize("entry_id", ["none", "1-1", "default:production:1-1", "a:b:1-1", "1-1-1"])
def test_entry__missing__is_not_found(audit: AuditLogApi, entry_id: str) -> None:
    with pytest.raises(NotFoundException):
        audit.get_audit_log_entry(entry_id)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=21",
        "before=x",
        "after=-1",
        "olderThan=x",
        "spec=proj",
        "spec=proj/*:",
        "spec=proj/*;a:env/*",
        "spec=proj/%7Ba%7D",
        f"q={'x' * 201}",
        f"spec=proj/{'x' * 1001}",
    ],
)
def test_list__bad_query__is_an_invalid_request(plain: httpx.Client, query: str) -> None:
    assert_refused(plain.get(f"{LOG}?{query}"), 400, "invalid_request")


@pytest.mark.parametrize(
    "body",
    [
        {},
        [{}],
        [{"effect": "maybe"}],
        [{"effect": "allow", "resources": ["x"]}],
        [{"effect": "allow", "resources": ["*"], "notResources": ["*"]}],
        [{"effect": "allow", "actions": ["*"] * 26}] * 2,
    ],
)
def test_search__bad_statements__are_an_invalid_request(plain: httpx.Client, body: Any) -> None:
    calls: list[Callable[[], httpx.Response]] = [
        lambda: plain.post(LOG, json=body),
        lambda: plain.post(f"{LOG}/counts?after=1", json=body),
    ]
    for call in calls:
        assert_refused(call(), 400, "invalid_request")
