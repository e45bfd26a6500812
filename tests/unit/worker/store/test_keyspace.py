"""KEYSPACE.md describes every key that ``keyspace.py`` makes, and every field of a record."""

import dataclasses
import inspect
import re
from pathlib import Path
from typing import Final

import pytest

from tests.support.store.building import build, publish
from tests.support.store.stores import new_list, opened, raw
from tests.support.store.webhooks import an_attempt, an_event, new_webhook
from worker.store import (
    Edit,
    EnvironmentRef,
    ImportRequest,
    Keyspace,
    ListRef,
    NewProjectSegment,
    NewToken,
    SegmentBounds,
    Store,
)
from worker.store.jobs.stage_state import LAST_ERROR
from worker.store.jobs.units import Unit
from worker.store.lists import ScheduleChange, change_schedules, erase_member, pin, take_snapshot
from worker.store.webhooks import MOST_QUEUED
from worker.store.workflows import record_end

STORE: Final = Path(__file__).parents[4] / "worker" / "store"
PAGE: Final = (STORE / "KEYSPACE.md").read_text()
KEYS: Final = Keyspace("p")
REF: Final = ListRef("P", "E", "S", 3)

#: Each key of the page's table, with its placeholders, as made for one example.
MADE: Final = {
    "projects": KEYS.projects(),
    "environments": KEYS.environments("P"),
    "project_segments": KEYS.project_segments("P", 7),
    "access_tokens": KEYS.access_tokens(),
    "segments": KEYS.segments(REF.env),
    "generations": KEYS.generations(REF.env),
    "list_record": KEYS.list_record(REF),
    "edits": KEYS.edits(REF),
    "changes": KEYS.changes(REF),
    "feed": KEYS.feed(REF),
    "shard": KEYS.shard(REF, "R", "included", 42),
    "shard_prefix": KEYS.shard_prefix(REF, "R", "included"),
    "list_prefix": KEYS.list_prefix(REF),
    "fence": KEYS.fence(REF),
    "targeting": KEYS.targeting(REF.env, "S"),
    "environment_state": KEYS.environment_state(REF.env),
    "audit_log": KEYS.audit_log(REF.env),
    "account_audit_log": KEYS.account_audit_log(),
    "active_jobs": KEYS.active_jobs(REF.env),
    "reclaimable_lists": KEYS.reclaimable_lists(REF.env),
    "imports": KEYS.imports(REF),
    "exports": KEYS.exports(REF),
    "environment_exports": KEYS.environment_exports(REF.env),
    "uploads": KEYS.uploads(EnvironmentRef("P", "E")),
    "unsettled_lists": KEYS.unsettled_lists(REF.env),
    "export_schedules": KEYS.export_schedules(REF.env),
    "export_schedule_files": KEYS.export_schedule_files(REF.env, "I"),
    "job": KEYS.job(EnvironmentRef("P", "E"), "import", "I"),
    "inbox_hints": KEYS.inbox_hints(),
    "inbox_scan": KEYS.inbox_scan(),
    "inbox_settled": KEYS.inbox_settled(),
    "inbox_newest": KEYS.inbox_newest(REF),
    "erasures": KEYS.erasures(REF.env),
    "erased": KEYS.erased(REF.env),
    "previews": KEYS.previews(REF.env),
    "job_files": KEYS.job_files(EnvironmentRef("P", "E"), "import", "I"),
    "request": KEYS.request("D"),
    "limits": KEYS.limits(),
    "turn": KEYS.turn("C"),
    "flag_data": KEYS.flag_data(REF.env),
    "flag_document": KEYS.flag_document(REF.env, "R"),
    "sdk_stores": KEYS.sdk_stores(),
    "sdk_store": KEYS.sdk_store(REF.env),
    "sdk_log": KEYS.sdk_log(REF.env),
    "environment_imports": KEYS.environment_imports(REF.env),
    "reservations": KEYS.reservations(),
    "expiring_exports": KEYS.expiring_exports(),
    "expiring_rejected": KEYS.expiring_rejected(),
    "expiry_hints": KEYS.expiry_hints(),
    "schedules": KEYS.schedules(REF),
    "writing": KEYS.writing(),
    "counters": KEYS.counters(),
    "counted": KEYS.counted("O"),
    "survey": KEYS.survey(),
    "webhooks": KEYS.webhooks(REF.env),
    "webhook_part": KEYS.webhook_part(REF.env, "I", "queue"),
    "webhook_environments": KEYS.webhook_environments(),
}
_PLACEHOLDERS: Final = (
    ("{prefix}", "p"),
    ("{project:environment:segment.gN}", "{P:E:S.g3}"),
    ("{project:environment}", "{P:E}"),
    ("{project}", "{P}"),
    ("{created}", "7"),
    ("{segment}.gN", "S.g3"),
    ("{segment}", "S"),
    ("{revision}", "R"),
    ("{id}", "I"),
    ("{chore}", "C"),
    ("{digest}", "D"),
    ("{process}", "O"),
)


def _table(heading: str) -> dict[str, str]:
    """Read a table of the page: first column to second."""
    section = PAGE.split(heading, 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| (`.+?`) \| (.+?) \|", section, re.MULTILINE)
    assert rows, f"no table under {heading}"
    assert len(rows) == len(dict(rows)), f"a row stands twice under {heading}"
    return dict(rows)


def test_page__keys__are_those_that_keyspace_makes() -> None:
    made = {
        name
        for name, _ in inspect.getmembers(Keyspace, inspect.isfunction)
        if not name.startswith("_")
    }
    assert {name.strip("`") for name in _table("# Keyspace")} == made == set(MADE)


@pytest.mark.parametrize("name", MADE)
def test_page__name_of_a_key__is_the_one_made(name: str) -> None:
    written = re.findall(r"`([^`]+)`", _table("# Keyspace")[f"`{name}`"])[0]
    for placeholder, example in _PLACEHOLDERS:
        written = written.replace(placeholder, example)
    assert written == MADE[name]


def _described(heading: str) -> set[str]:
    """Give the fields of a table, up to the part that names an id."""
    cells = "".join(_table(heading))
    return {field.partition("{")[0] for field in re.findall(r"`([^`]+)`", cells)}


def _fields(store: Store, key: str, described: set[str]) -> set[str]:
    """Give the fields a hash has now, up to the part that names an id."""
    prefixes = {name for name in described if name.endswith(":")}
    names = {name.decode() for name in store.client.hgetall(key)}
    return {next((p for p in prefixes if name.startswith(p)), name) for name in names}


def test_page__fields_of_a_list_record__are_those_it_ever_has() -> None:
    described = _described("## The list record")
    seen: set[str] = set()
    with opened(None) as store:
        ref = new_list(store)
        lists = store.memberships

        def look() -> None:
            seen.update(_fields(store, store.keyspace.list_record(ref), described))

        pin(store.database, ref, "x1", 60_000)
        take_snapshot(store.database, ref, "x2", 60_000)
        store.feeds.follow(ref, "x3", 60_000)
        lists.edit(ref, [Edit("i+", "a")])
        change_schedules(
            store.database, ref, [ScheduleChange("add", "included", "a", 2**40, id="x")]
        )
        target = build(store, ref, "i1", ["a"])
        lists.edit(ref, [Edit("i+", f"k{n}") for n in range(600)])
        erase_member(store.database, ref, "e1", "z")
        seal = store.builds.seal(ref, "i1").number
        assert store.builds.publish(ref, "i1", counts=(1, 0), retire_after_ms=0, seal=seal) is None
        look()
        publish(store, ref, "i1", target)
        look()
        store.builds.claim(ref, "i2", waits=True)
        store.builds.claim(ref, "i3", waits=True, supersedes=True)
        build(store, ref, "i3", ["b"])
        store.builds.cancel(ref, "i0", by="ann")
        look()
        lists.delete(ref)
        look()
    assert seen == described


def test_page__fields_of_a_job__are_those_it_ever_has() -> None:
    described = _described("## A job")
    with opened(None) as store:
        ref = new_list(store)
        request = ImportRequest("i1", ref, "merge", (), allow_empty=False, created_ms=1)
        store.jobs.create(request, stage="gather", units=2)
        for _ in range(2):
            unit = store.jobs.take(request.ref, lease_ms=60_000, most_tries=3)
        assert isinstance(unit, Unit)
        store.jobs.finish(request.ref, unit, b"{}", rows=1, size_bytes=1)
        store.jobs.write(request.ref, LAST_ERROR, "x")
        store.jobs.note_entered(request.ref, "publish")
        store.jobs.end(request.ref, "stopped", reason="r", report={}, keep_s=60)
        new_webhook(store, ref.env)
        record_end(store, request)
        seen = _fields(store, store.keyspace.job(ref.env, "import", "i1"), described)
    assert seen == described


def test_page__state_of_a_webhook__has_those_fields_that_it_ever_has() -> None:
    described = _described("## The state of a webhook")
    seen: set[str] = set()
    with opened(None) as store:
        webhook = new_webhook(store, REF.env)
        state = store.keyspace.webhook_part(REF.env, webhook.id, "state")
        for outcome in ("failed", "lost", "delivered"):
            store.deliveries.announce(REF.env, an_event())
            claimed = store.deliveries.claim(REF.env, 60_000)
            assert claimed is not None
            seen |= _fields(store, state, described)
            attempt = an_attempt(claimed, outcome)
            store.deliveries.settle(claimed, attempt, pause_ms=0, again_ms=0)
            seen |= _fields(store, state, described)
        deliveries = store.keyspace.webhook_part(REF.env, webhook.id, "deliveries")
        raw(store).hset(deliveries, mapping={f"d{n}": "{}" for n in range(MOST_QUEUED)})
        store.deliveries.announce(REF.env, an_event(2))
        seen |= _fields(store, state, described)
    assert seen == described


def test_page__fields_of_the_access_tokens__are_those_it_ever_has() -> None:
    described = _described("## The access tokens and SDK keys")
    with opened(None) as store:
        new = NewToken(name="n", role="reader", created_by="admin")
        token, _ = store.access_tokens.create(new)
        store.access_tokens.note_used({token.id: 1})
        store.sdk_keys.create(
            store.projects.get("default"), environment="e", label=None, created_by="admin"
        )
        seen = _fields(store, store.keyspace.access_tokens(), described)
    assert seen == described


def test_page__fields_of_the_segments_of_a_project__are_those_it_ever_has() -> None:
    described = _described("## The segments of a project")
    with opened(None) as store:
        project = store.projects.get("default")
        new = NewProjectSegment(id="i", slug="s", label="L", hint="", data="{}")
        bounds, segments = SegmentBounds(2, 1_000), store.project_segments
        segments.create(project, new, bounds)
        other = dataclasses.replace(new, id="o", slug="o", references=("i",))
        segments.create(project, other, bounds, seen=segments.read_all(project))
        read, users = segments.read_all(project), {"i": ("f",)}
        store.flags.put_definitions(project, "{}", users, bounds, flag_count=1, seen=read)
        store.flags.put_settings(project, None, b"{}")
        key = store.keyspace.project_segments(project.key, project.created_ms)
        seen = _fields(store, key, described)
        store.project_segments.close(project)
        seen |= _fields(store, key, described)
    assert seen == described
