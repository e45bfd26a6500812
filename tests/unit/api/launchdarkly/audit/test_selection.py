"""Which entries of the log of changes a request gets, and how far it reads for them."""

import dataclasses
import json
from collections.abc import Iterator

import pytest

from api.errors import InvalidRequest
from api.launchdarkly.audit import routes as audit_log
from api.launchdarkly.audit.models import represent_entry, represent_in_list
from api.launchdarkly.audit.selection import Selection, parse_spec
from api.launchdarkly.segments.audit_entries import count_patched_keys, list_patch_actions
from api.launchdarkly.wire.specifiers import Specifier
from tests.support.store.stores import PRODUCTION, opened
from worker.store import AuditEntry, Change, EnvironmentRef, Position, Store

TOKEN = Change("a", "t", ("deleteAccessToken",), "token", "service-token/t1", "T", "revoked")


@pytest.fixture
def store() -> Iterator[Store]:
    with opened(None) as store:
        yield store


def _segment(key: str) -> Change:
    resource = f"proj/default:env/production:segment/{key}"
    return Change("a", "t", ("createSegment",), "segment", resource, key, "created the segment")


def _query(limit: int = 10) -> audit_log.PageQuery:
    return audit_log.page_query(limit=limit)


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("*", True),
        ("proj/*:env/prod*:segment/x", True),
        ("proj/default:env/production:flag/x", True),
        ("proj/other:env/*:segment/*", False),
        ("proj/*:env/test:segment/*", False),
        ("proj/*", False),
        ("proj/*:env/*", False),
        ("service-token/*", False),
    ],
)
def test_specifier__reaches_into__only_logs_that_may_hold_it(text: str, *, inside: bool) -> None:
    assert Selection(parse_spec(text)).reaches_into(PRODUCTION) is inside


def test_specifier__too_many_parts__matches_nothing() -> None:
    specifier = Specifier.parse("proj/*:env/*:segment/*:target/*", "spec")
    assert not specifier.matches("proj/default:env/production:segment/s", ())
    assert specifier.reaches_into(EnvironmentRef("default", "production"))


@pytest.mark.parametrize("text", ["proj", "proj/", "/x", "a/b:", "a/b;{x:y}", "a/{b}", "x" * 1_001])
def test_specifier__wrong__is_refused_with_its_place(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^\[3\]: "):
        Specifier.parse(text, "[3]")


def test_page__few_entries_match__looks_at_a_bounded_part(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page may be short, even empty, but what comes after it leads to every match."""
    monkeypatch.setattr(audit_log, "MOST_READ", 5)
    for number in range(12):
        store.audit.append(PRODUCTION, _segment("wanted" if number in {0, 6} else f"s{number}"))
    selection, pages, position = Selection(text="WANTED"), list[int](), None
    while True:
        found, more = audit_log._read_page(store, _query(), selection, position)
        pages.append(len(found))
        if more is None:
            break
        position = more.position
    assert pages == [0, 1, 1]


def test_page__as_many_as_the_limit__has_no_next(store: Store) -> None:
    for number in range(4):
        store.audit.append(PRODUCTION, _segment(f"s{number}"))
    for limit, more in ((4, None), (3, "s1")):
        found, last = audit_log._read_page(store, _query(limit), Selection(), None)
        assert len(found) == limit
        assert (None if last is None else last.change.name) == more


def test_entry__of_a_token__is_shown_without_links_to_it() -> None:
    shown = represent_in_list(
        AuditEntry(Position(1, 0, None), dataclasses.replace(TOKEN, truncated=True)), "account"
    )
    wire = json.loads(shown.model_dump_json(by_alias=True, exclude_none=True))
    assert wire["target"] == {"name": "T", "resources": ["service-token/t1"]}
    assert "parent" not in wire
    assert wire["truncated"] is True
    assert wire["description"] == "- long texts and lists of this entry are cut"
    whole = represent_entry(AuditEntry(Position(1, 0, None), TOKEN), "account")
    assert (whole.previous_version, whole.current_version, whole.truncated) == (None, None, None)


def test_entry__by_no_token__has_a_subject_only() -> None:
    change = Change("bigseg", "", ("updateExpiringTargets",), "segment", "x/y", "S", "changed")
    shown = represent_in_list(AuditEntry(Position(1, 0, None), change), "account")
    assert (shown.token, shown.subject.name) == (None, "bigseg")


def test_patched__lists_of_one_kind_in_two_fields__are_one() -> None:
    before = {"included": ["a", "b"], "includedContexts": [], "rules": [{"values": [1]}]}
    moved = {"contextKind": "user", "values": ["b", "c"]}
    after = {"included": ["a"], "includedContexts": [moved], "rules": [{"values": [1.0]}]}
    assert count_patched_keys(before, after) == {"included": {"added": 1, "removed": 0}}
    assert list_patch_actions(before, after) == ("updateIncluded", "updateRules")
