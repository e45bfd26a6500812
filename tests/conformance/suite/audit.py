"""The log of changes: bounded, in order, read as one, gone with its environment."""

import dataclasses
import itertools
from typing import Final

import pytest
from structlog.testing import capture_logs

from tests.support.store.stores import PRODUCTION, keys_of, raw
from worker.store import (
    AuditEntry,
    AuditEntryNotFound,
    Change,
    EnvironmentRef,
    Project,
    Store,
    StoreRefused,
    create_project,
    delete_environment,
    environment_resource,
    segment_resource,
)
from worker.store.audit.entries import ENTRY_BYTES
from worker.store.audit.log import AuditStore

OTHER: Final = EnvironmentRef("other", "live")
CHANGE: Final = Change(
    actor="somebody",
    token_id="t1",
    actions=("createSegment",),
    kind="segment",
    resource=segment_resource(PRODUCTION, "s"),
    name="S",
    verb="created the segment",
)


def _named(name: str) -> Change:
    return dataclasses.replace(CHANGE, name=name)


def _bounded(store: Store, most: int) -> AuditStore:
    return AuditStore(store.database, most)


def _names(entries: list[AuditEntry]) -> list[str]:
    return [one.change.name for one in entries]


class AuditSuite:
    def test_append__change__is_read_back_whole(self, store: Store) -> None:
        full = dataclasses.replace(
            CHANGE, comment="why ✓", before={"name": "R", "tags": ["a"]}, after={"included": 3}
        )
        for log in (PRODUCTION, None):
            entry_id = store.audit.append(log, full)
            entry = store.audit.get(entry_id)
            assert (entry.id, entry.change, entry.change.truncated) == (entry_id, full, False)
            assert list(store.audit.newest([log])) == [entry]

    def test_get__no_such_entry__is_not_found(self, store: Store) -> None:
        there = store.audit.append(PRODUCTION, CHANGE)
        stream_id = there.rpartition(":")[2]
        for missing in (
            stream_id,
            f"default:test:{stream_id}",
            f"{there}0",
            "",
            "x",
            "a:b:c",
            "a:1-1",
            "{x}:y:1-1",
        ):
            with pytest.raises(AuditEntryNotFound):
                store.audit.get(missing)

    def test_append__over_the_bound__forgets_the_oldest(self, store: Store) -> None:
        audit = _bounded(store, 5)
        first = audit.append(PRODUCTION, CHANGE)
        for number in range(8):
            audit.append(PRODUCTION, _named(f"n{number}"))
            audit.append(None, _named(f"a{number}"))
        for log, names in ((PRODUCTION, "n"), (None, "a")):
            expected = [f"{names}{number}" for number in (7, 6, 5, 4, 3)]
            assert _names(list(audit.newest([log]))) == expected
        with pytest.raises(AuditEntryNotFound):
            audit.get(first)

    def test_newest__several_logs__are_one_in_order(self, store: Store) -> None:
        """More than a page of one log, next to others with few or no entries."""
        logs = (PRODUCTION, None, EnvironmentRef("default", "test"))
        written = [
            store.audit.append(log, _named(f"{number}"))
            for number, log in enumerate((PRODUCTION,) * 150 + (None, PRODUCTION) * 3)
        ]
        entries = list(store.audit.newest(logs))
        orders = [one.position.order for one in entries]
        assert orders == sorted(orders, reverse=True)
        assert {one.id for one in entries} == set(written)
        assert list(itertools.islice(store.audit.newest(logs), 3)) == entries[:3]
        assert list(store.audit.newest([])) == []

    def test_newest__page_after_page__gives_each_entry_once(self, store: Store) -> None:
        """Also those of one millisecond, and those that logs have at the same time."""
        logs = (None, PRODUCTION, EnvironmentRef("default", "test"))
        for number in range(12):
            for log in logs:
                store.audit.append(log, _named(str(number)))
        whole, read = list(store.audit.newest(logs)), list[AuditEntry]()
        while page := list(
            itertools.islice(
                store.audit.newest(logs, older_than=read[-1].position if read else None), 5
            )
        ):
            read += page
        assert read == whole

    def test_newest__times__are_exclusive(self, store: Store) -> None:
        client, key = raw(store), store.keyspace.audit_log(PRODUCTION)
        for at_ms in (1_000, 2_000, 3_000):
            client.xadd(
                key,
                {
                    "entry": b'{"actor":"a","token_id":"","actions":["x"],'
                    b'"kind":"segment","resource":"r","name":"n","verb":"v"}'
                },
                id=f"{at_ms}-7",
            )

        def times(before_ms: int | None = None, after_ms: int | None = None) -> list[int]:
            found = store.audit.newest([PRODUCTION, None], before_ms=before_ms, after_ms=after_ms)
            return [one.position.at_ms for one in found]

        assert times() == [3_000, 2_000, 1_000]
        assert times(before_ms=3_000) == [2_000, 1_000]
        assert times(after_ms=1_000) == [3_000, 2_000]
        assert times(before_ms=3_000, after_ms=1_000) == [2_000]
        assert times(before_ms=0) == times(after_ms=9_000) == times(3_000, 3_000) == []

    def test_append__long_texts__are_cut_and_it_says_so(self, store: Store) -> None:
        summary = {"name": "n" * 9_000, "tags": [f"t{n}" for n in range(900)], "included": 7}
        long = dataclasses.replace(
            CHANGE,
            name="🎉" * 3_000,
            comment="c\ud800" * 5_000,
            resource=segment_resource(EnvironmentRef("p" * 256, "e" * 256), "s" * 256),
            before=summary,
            after=summary,
        )
        entry = store.audit.get(store.audit.append(PRODUCTION, long))
        assert entry.change.truncated
        assert entry.change.resource == long.resource
        assert entry.change.name.startswith("🎉")
        assert entry.change.after is not None
        assert entry.change.after["included"] == 7
        many = dataclasses.replace(long, after={str(n): "x" * 99 for n in range(99)} | {"z": [[]]})
        for change in (long, many):
            store.audit.append(PRODUCTION, change)
        found = raw(store).xrange(store.keyspace.audit_log(PRODUCTION))
        assert all(len(fields[b"entry"]) <= ENTRY_BYTES for _, fields in found)

    def test_append__environment_deleted__goes_to_the_account(self, store: Store) -> None:
        environment = store.environments.new("live", "Live")
        create_project(store, Project("other", "Other", 1), [environment])
        kept = dataclasses.replace(CHANGE, resource=environment_resource(OTHER))
        store.audit.append(OTHER, CHANGE)
        store.audit.append(PRODUCTION, CHANGE)

        delete_environment(store, OTHER)
        late = store.audit.append(OTHER, kept)

        assert store.keyspace.audit_log(OTHER) not in keys_of(store)
        assert store.audit.get(late).position.env is None
        assert [one.change for one in store.audit.newest([OTHER, None])] == [kept]
        assert _names(list(store.audit.newest([PRODUCTION]))) == ["S"]

    def test_record__store_refuses__is_a_line_of_the_log(self, store: Store) -> None:
        raw(store).hset(store.keyspace.audit_log(PRODUCTION), "no", "stream")
        with pytest.raises(StoreRefused):
            store.audit.append(PRODUCTION, CHANGE)
        with capture_logs() as lines:
            store.audit.record(PRODUCTION, CHANGE)
        assert [(one["event"], one["log_level"]) for one in lines] == [("audit.lost", "error")]
        assert lines[0]["log"] == "default:production"
        assert lines[0]["entry"]["resource"] == CHANGE.resource
