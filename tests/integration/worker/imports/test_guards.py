"""An import that is hardly what its caller meant waits for an approval, or is stopped."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.servers.objects import ObjectServer
from tests.support.servers.redis import Server
from tests.support.systems.imports import Imports, imports_in_process
from worker.options.guards import GuardOptions
from worker.store import JobState, ListRef
from worker.store.workflows import builder_of, cancel_import, reclaim_list

STOP = GuardOptions(on_guard="stop", on_warning="stop")


def lines(prefix: str, count: int) -> bytes:
    return "".join(f"{prefix}{number}\n" for number in range(count)).encode()


def keys(prefix: str, count: int) -> set[str]:
    return set(lines(prefix, count).decode().split())


@pytest.fixture(scope="module", params=["one chunk", "several chunks"])
def imports(
    request: pytest.FixtureRequest, valkey_server: Server, s3_stand_in: ObjectServer
) -> Iterator[Imports]:
    """With the settings as they are by default."""
    size = {"one chunk": 1 << 20, "several chunks": 4_096}[request.param]
    with imports_in_process(valkey_server, s3_stand_in, chunk_bytes=size) as running:
        yield running


@pytest.fixture
def large(imports: Imports) -> ListRef:
    ref = imports.list_of()
    assert imports.run(ref, lines("u", 3_000)).status == "complete"
    return ref


def assert_guarded(imports: Imports, ref: ListRef, state: JobState, guard: str, said: str) -> None:
    """It waits for an approval because of this guard, and the list is as it was."""
    assert state.status == "pending_approval", state
    assert state.objection is not None
    assert (state.objection.guard, state.reason) == (guard, state.objection.message)
    assert said in state.objection.message
    assert builder_of(imports.services.store, ref) == state.request.ref


@pytest.mark.parametrize(
    ("content", "removed"),
    [(b"a\nb\nc\n", "3,000 of 3,000"), (lines("u", 1_499), "1,501 of 3,000")],
    ids=["other keys", "fewer keys"],
)
def test_replace__would_lose_most_of_a_list__waits_and_the_approval_publishes_it(
    imports: Imports, large: ListRef, content: bytes, removed: str
) -> None:
    waiting = imports.run(large, content, "replace")
    assert_guarded(imports, large, waiting, "shrink", removed)
    assert "approve it, or send allowShrink=true (bigseg import --allow-shrink)" in (
        waiting.reason or ""
    )
    assert imports.members(large) == keys("u", 3_000)
    preview = imports.preview(waiting)
    assert len(preview.removed) == 20
    assert set(preview.removed) <= keys("u", 3_000) - set(content.decode().split())

    approved = imports.approve(waiting)
    assert (approved.status, approved.reason) == ("complete", None)
    assert approved.objection == waiting.objection
    assert imports.members(large) == set(content.decode().split())


def test_replace__would_lose_most_and_is_to_stop__is_stopped_unless_it_is_meant(
    imports: Imports, large: ListRef
) -> None:
    stopped = imports.run(large, lines("v", 3_000), "replace", guards=STOP)
    assert stopped.status == "stopped"
    assert "3,000 of 3,000" in (stopped.reason or "")
    assert "approve" not in (stopped.reason or "")
    assert stopped.objection is not None
    assert imports.members(large) == keys("u", 3_000)

    meant = imports.run(large, b"a\n", "replace", guards=STOP, allow_shrink=True)
    assert meant.status == "complete", meant.reason
    assert imports.members(large) == {"a"}


def test_replace__of_all_of_a_small_list__is_published(imports: Imports) -> None:
    ref = imports.list_of(*(f"old-{number}" for number in range(999)))
    state = imports.run(ref, b"new\n", "replace")
    assert state.status == "complete", state.reason
    assert imports.members(ref) == {"new"}


@pytest.mark.parametrize(
    ("own", "content", "guard", "said"),
    [
        ({}, lines("u", 1_500), None, ""),
        ({"max_shrink_share": 0.4}, lines("u", 1_500), "shrink", "1,500 of 3,000"),
        ({"max_shrink_share": 0.9}, lines("u", 400), None, ""),
        ({}, lines("u", 4_000), None, ""),
        ({"max_growth_share": 0.3}, lines("u", 4_000), "growth", "maxGrowthShare=1 (bigseg"),
    ],
    ids=["half", "more than was said", "less than was said", "longer", "longer than was said"],
)
def test_replace__changes_the_size_by_a_share__is_judged_by_it(
    imports: Imports, large: ListRef, own: Any, content: bytes, guard: str | None, said: str
) -> None:
    state = imports.run(large, content, "replace", guards=GuardOptions(**own))
    if guard is None:
        assert state.status == "complete", state.reason
    else:
        assert_guarded(imports, large, state, guard, said)


def test_replace__ten_times_as_long__waits_if_the_list_was_no_trial(imports: Imports) -> None:
    content = lines("u", 11_000)
    trial = imports.list_of(*keys("t", 999))
    assert imports.run(trial, content, "replace", allow_shrink=True).status == "complete"
    ref = imports.list_of(*keys("u", 1_000))
    waiting = imports.run(ref, content, "replace")
    assert_guarded(imports, ref, waiting, "growth", "from 1,000 to 11,000 members, 11.0 times")
    assert imports.run(ref, content).status == "complete", "a merge only adds what is asked for"


def test_replace__that_waits_for_an_approval__shows_what_it_would_lose(
    imports: Imports, large: ListRef
) -> None:
    state = imports.run(large, b"a\n", "replace", waits=True)
    assert_guarded(imports, large, state, "shrink", "3,000 of 3,000")
    assert (state.report or {})["removed"] == 3_000


def test_replace__by_an_empty_file__needs_only_the_word_for_it(
    imports: Imports, large: ListRef
) -> None:
    stopped = imports.run(large, b"", "replace")
    assert "allowEmpty=true (bigseg import --allow-empty)" in (stopped.reason or "")
    assert stopped.status == "stopped", "there is nothing to approve"
    assert len(imports.members(large)) == 3_000
    meant = imports.run(large, b"", "replace", allow_empty=True)
    assert meant.status == "complete", meant.reason
    assert imports.members(large) == set()


def test_remove__would_lose_most_of_a_list__is_stopped_unless_it_is_meant(
    imports: Imports, large: ListRef
) -> None:
    stopped = imports.run(large, lines("u", 2_000), "remove")
    assert "the remove would remove 2,000 of 3,000 members, 67%" in (stopped.reason or "")
    assert len(imports.members(large)) == 3_000

    meant = imports.run(large, lines("u", 2_000), "remove", allow_shrink=True)
    assert meant.status == "complete", meant.reason
    assert len(imports.members(large)) == 1_000
    strangers = imports.run(large, lines("v", 3_000), "remove")
    assert strangers.status == "complete", strangers.reason


def test_remove__of_all_members__needs_only_the_word_for_an_empty_list(
    imports: Imports, large: ListRef
) -> None:
    stopped = imports.run(large, lines("u", 3_000), "remove", allow_shrink=True)
    assert "would empty the list of 3,000 members" in (stopped.reason or "")
    assert "allowEmpty=true (bigseg import --allow-empty)" in (stopped.reason or "")
    assert len(imports.members(large)) == 3_000
    meant = imports.run(large, lines("u", 3_000), "remove", allow_empty=True)
    assert meant.status == "complete", meant.reason
    assert imports.members(large) == set()


@pytest.mark.parametrize("mode", ["merge", "replace"])
@pytest.mark.parametrize("valid", [0, 400])
def test_import__most_rows_rejected__waits_or_stops_unless_it_is_meant(
    imports: Imports, mode: str, valid: int
) -> None:
    ref = imports.list_of("old")
    content = lines("k", valid) + b"\xff\n" * 500 + b"\n" * 300
    state = imports.run(ref, content, mode)
    assert state.status == ("pending_approval" if valid else "stopped")
    assert f"500 of {valid + 500} were rejected (invalid_utf8 500)" in (state.reason or "")
    assert "allowRejected=true (bigseg import --allow-rejected)" in (state.reason or "")
    assert imports.members(ref) == {"old"}
    if valid:
        stopped = imports.run(ref, content, mode, guards=STOP)
        assert (stopped.status, stopped.progress.stage) == ("stopped", "ended")
        assert "gather" not in stopped.entered or len(content) < 4_096 * 2

    meant = imports.run(ref, content, mode, allow_rejected=True, allow_empty=True)
    assert meant.status == "complete", meant.reason
    assert len(imports.members(ref)) == valid + (mode == "merge")


@pytest.mark.parametrize("share", [None, 0.4])
def test_import__half_of_the_rows_rejected__is_judged_by_the_share(
    imports: Imports, share: float | None
) -> None:
    ref = imports.list_of("old")
    content = lines("k", 400) + b"\xff\n" * 400
    state = imports.run(ref, content, guards=GuardOptions(max_rejected_share=share))
    assert state.status == ("complete" if share is None else "pending_approval"), state.reason


DOUBTFUL = lines("k", 195) + b"NULL\n" * 5


@pytest.mark.parametrize(
    ("mode", "content", "own", "status"),
    [
        ("merge", DOUBTFUL, {}, "complete"),
        ("replace", DOUBTFUL, {}, "pending_approval"),
        ("replace", lines("k", 998) + b"NULL\n" * 2, {}, "complete"),
        ("replace", b"".join(b"%d,name %d\n" % (7 * n, n) for n in range(200)), {}, "complete"),
        ("replace", b"".join(b'="%d"\n' % (7 * n) for n in range(200)), {}, "complete"),
        ("replace", DOUBTFUL, {"on_warning": "accept"}, "complete"),
        ("replace", DOUBTFUL, {"max_warning_share": 0.03}, "complete"),
        ("merge", DOUBTFUL, {"on_warning": "pend"}, "pending_approval"),
        ("merge", DOUBTFUL, {"on_warning": "stop"}, "stopped"),
    ],
)
def test_import__rows_are_doubtful__is_done_as_was_said(
    imports: Imports, mode: str, content: bytes, own: Any, status: str
) -> None:
    ref = imports.list_of("old")
    state = imports.run(ref, content, mode, guards=GuardOptions(**own))
    assert state.status == status, state.reason
    if status == "complete":
        assert state.objection is None
        return
    assert state.objection is not None
    assert "5 of 200 rows are doubtful (null_text 5)" in (state.reason or "")
    assert "onWarning=accept (bigseg import --on-warning accept)" in (state.reason or "")
    assert imports.members(ref) == {"old"}


@pytest.mark.parametrize(
    ("own", "status", "guard"),
    [
        ({}, "pending_approval", "rejected_rows"),
        ({"on_guard": "stop"}, "stopped", "rejected_rows"),
        ({"on_guard": "stop", "max_rejected_share": 1.0}, "stopped", "shrink"),
        ({"on_warning": "stop"}, "stopped", "warnings"),
    ],
    ids=["all wait", "two stop", "the last stops", "the second stops"],
)
def test_replace__several_guards_trip__one_that_stops_comes_first_and_all_are_told(
    imports: Imports, large: ListRef, own: Any, status: str, guard: str
) -> None:
    content = lines("k", 180) + b"NULL\n" * 20 + b"\xff\n" * 500
    state = imports.run(large, content, "replace", guards=GuardOptions(**own))

    assert state.status == status, state.reason
    assert state.objection is not None
    assert (state.objection.guard, state.objection.message) == (guard, state.reason)
    told = ["20 of 700 rows are doubtful", "the replace would remove "]
    told += ["500 of 700 were rejected"] * ("max_rejected_share" not in own)
    assert all(what in state.objection.message for what in told), state.reason
    assert ("approve it" in state.objection.message) == (status == "pending_approval")
    assert imports.members(large) == keys("u", 3_000)


def test_replace__first_column_counts_up__concerns_all_rows(imports: Imports) -> None:
    ref = imports.list_of("old")
    content = b",key\n" + b"".join(b"%d,k%d\n" % (n, n) for n in range(200))
    state = imports.run(ref, content, "replace")
    assert_guarded(imports, ref, state, "warnings", "200 of 200 rows are doubtful (index_column")


@pytest.mark.parametrize("mode", ["merge", "replace"])
@pytest.mark.parametrize("guarded", [False, True])
def test_dry_run__reports_and_previews_exactly__and_leaves_nothing(
    imports: Imports, large: ListRef, mode: str, guarded: bool
) -> None:
    store = imports.services.store
    content = lines("u", 2 if guarded else 2_990) + b"new-1\nnew-2\n\n"
    state = imports.run(large, content, mode, dry_run=True)

    assert state.status == "complete", state.reason
    assert (state.objection is not None) == (guarded and mode == "replace")
    report, kept = state.report or {}, 2 if guarded else 2_990
    removed = 3_000 - kept if mode == "replace" else 0
    counts = [report[name] for name in ("added", "removed", "unchanged", "membersAfter")]
    assert counts == [2, removed, kept, 3_002 - removed]
    preview = imports.preview(state)
    assert set(preview.added) == {"new-1", "new-2"}
    assert len(preview.removed) == min(20, removed)
    assert set(preview.removed) <= keys("u", 3_000) - keys("u", kept)
    assert len(set(preview.unchanged)) == min(20, 3_000 - removed)
    assert set(preview.unchanged) <= keys("u", 3_000 - removed)
    assert imports.members(large) == keys("u", 3_000)
    assert builder_of(store, large) is None
    assert len(store.revisions.find_all(large)) == 2, "the list as it was created, and as it is"
    assert reclaim_list(store, large, imports.services.retention) == 0, "all is freed"
    assert store.build_memory.reserved() == 0


@pytest.mark.parametrize("dry_run", [True, False], ids=["dry run", "behind a guard"])
def test_cancel__of_what_is_not_to_be_published_yet__leaves_the_list_and_nothing_else(
    imports: Imports, large: ListRef, *, dry_run: bool
) -> None:
    store = imports.services.store
    request = imports.start(large, b"a\nb\n", "replace", dry_run=dry_run)
    if not dry_run:
        assert_guarded(imports, large, imports.finish(request), "shrink", "3,000 of 3,000")

    assert cancel_import(store, request, "Ada")
    state = imports.finish(request)

    assert (state.status, state.reason) == ("stopped", "cancelled by Ada")
    assert imports.members(large) == keys("u", 3_000)
    assert builder_of(store, large) is None
    assert store.build_memory.reserved() == 0
    assert imports.run(large, b"new\n").status == "complete"


@pytest.mark.parametrize(
    ("count", "guard", "said", "allowed"),
    [
        (3_000, "empty", "all of them are to be removed", "allow_empty"),
        (2_000, "shrink", "the remove would remove 2,000 of 3,000", "allow_shrink"),
    ],
    ids=["all", "most"],
)
def test_remove__of_most_members_or_all__waits_unless_it_is_allowed(
    imports: Imports, large: ListRef, count: int, guard: str, said: str, allowed: str
) -> None:
    waiting = imports.run(large, lines("u", count), "remove")
    assert_guarded(imports, large, waiting, guard, said)
    assert imports.members(large) == keys("u", 3_000)

    state = imports.run(large, lines("u", count), "remove", **{allowed: True})

    assert state.status == "complete", state.reason
    assert imports.members(large) == keys("u", 3_000) - keys("u", count)


def test_preview__of_few_changes_far_apart_or_of_other_shard_counts__shows_them_all(
    imports: Imports,
) -> None:
    ref = imports.list_of(*keys("u", 7_000))
    sparse = [*sorted(keys("u", 7_000) - {"u7", "u6999"}), "new"]
    found = imports.preview(imports.run(ref, "\n".join(sparse).encode(), "replace", dry_run=True))
    assert (found.added, sorted(found.removed)) == (("new",), ["u6999", "u7"])
    assert len(set(found.unchanged) & set(sparse)) == 20

    short = imports.run(ref, b"u1\nu2\nnew\n", "replace", dry_run=True)
    found = imports.preview(short)
    assert (found.added, sorted(found.unchanged)) == (("new",), ["u1", "u2"])
    assert len(set(found.removed) & (keys("u", 7_000) - {"u1", "u2"})) == 20

    found = imports.preview(imports.run(imports.list_of(), b"a\nb\n", "replace", dry_run=True))
    assert (sorted(found.added), found.removed, found.unchanged) == (["a", "b"], (), ())


def test_guards__set_to_one__are_off(valkey_server: Server, s3_stand_in: ObjectServer) -> None:
    settings: dict[str, Any] = {"rejected_share": 1, "shrink_share": 1, "warning_share": 1}
    with imports_in_process(valkey_server, s3_stand_in, **settings) as imports:
        ref = imports.list_of()
        assert imports.run(ref, lines("u", 3_000)).status == "complete"
        state = imports.run(ref, b"a\nNULL\n" + b"\xff\n" * 9, "replace")
        assert state.status == "complete", state.reason
        assert imports.members(ref) == {"a", "NULL"}
