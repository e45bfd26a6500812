"""An import that is hardly what its caller meant is stopped before the flip, unless he says so."""

from collections.abc import Iterator

import pytest

from tests.support.servers.objects import ObjectServer
from tests.support.servers.redis import Server, wait_until
from tests.support.systems.imports import Imports, imports_in_process
from worker.store import ListRef
from worker.tasks.work import work_on


def lines(prefix: str, count: int) -> bytes:
    return "".join(f"{prefix}{number}\n" for number in range(count)).encode()


@pytest.fixture(scope="module", params=["one chunk", "several chunks"])
def imports(
    request: pytest.FixtureRequest, valkey_server: Server, s3_server: ObjectServer
) -> Iterator[Imports]:
    """With the settings as they are by default."""
    size = {"one chunk": 1 << 20, "several chunks": 4_096}[request.param]
    with imports_in_process(valkey_server, s3_server, chunk_bytes=size) as running:
        yield running


@pytest.fixture
def large(imports: Imports) -> ListRef:
    ref = imports.list_of()
    assert imports.run(ref, lines("u", 3_000)).status == "complete"
    return ref


@pytest.mark.parametrize(
    ("content", "removed"),
    [(b"a\nb\nc\n", "2,997 of 3,000"), (lines("v", 3_000), "3,000 of 3,000")],
    ids=["fewer keys", "other keys"],
)
def test_replace__would_lose_most_of_a_list__is_stopped_unless_it_is_meant(
    imports: Imports, large: ListRef, content: bytes, removed: str
) -> None:
    before = imports.members(large)
    stopped = imports.run(large, content, "replace")
    assert stopped.status == "stopped"
    assert removed in (stopped.reason or "")
    assert "allowShrink=true (bigseg import --allow-shrink)" in (stopped.reason or "")
    assert imports.members(large) == before

    meant = imports.run(large, content, "replace", allow_shrink=True)
    assert meant.status == "complete", meant.reason
    assert imports.members(large) == set(content.decode().split())


def test_replace__loses_half_of_a_list__is_not_stopped(imports: Imports, large: ListRef) -> None:
    state = imports.run(large, lines("u", 1_500), "replace")
    assert state.status == "complete", state.reason


def test_replace__of_all_of_a_small_list__is_not_stopped(imports: Imports) -> None:
    ref = imports.list_of(*(f"old-{number}" for number in range(999)))
    state = imports.run(ref, b"new\n", "replace")
    assert state.status == "complete", state.reason
    assert imports.members(ref) == {"new"}


def test_replace__that_waits_for_an_approval__shows_what_it_would_lose(
    imports: Imports, large: ListRef
) -> None:
    request = imports.start(large, b"a\n", "replace", waits=True)
    jobs = imports.services.store.jobs

    def waits() -> bool:
        work_on(imports.services, request.ref)
        state = jobs.get(request.ref)
        assert state.ended_ms is None, state.reason
        return state.status == "pending_approval"

    wait_until(waits, "it waits for its approval", 60)
    assert (jobs.get(request.ref).report or {})["removed"] == 3_000


def test_replace__by_an_empty_file__needs_only_the_word_for_it(
    imports: Imports, large: ListRef
) -> None:
    stopped = imports.run(large, b"", "replace")
    assert "allowEmpty=true (bigseg import --allow-empty)" in (stopped.reason or "")
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
def test_import__most_rows_rejected__is_stopped_unless_it_is_meant(
    imports: Imports, mode: str, valid: int
) -> None:
    ref = imports.list_of("old")
    content = lines("k", valid) + b"\xff\n" * 500 + b"\n" * 300
    stopped = imports.run(ref, content, mode)
    assert stopped.status == "stopped"
    assert f"500 of {valid + 500} were rejected (invalid_utf8 500)" in (stopped.reason or "")
    assert "allowRejected=true (bigseg import --allow-rejected)" in (stopped.reason or "")
    assert imports.members(ref) == {"old"}

    meant = imports.run(ref, content, mode, allow_rejected=True, allow_empty=True)
    assert meant.status == "complete", meant.reason
    assert len(imports.members(ref)) == valid + (mode == "merge")


def test_import__half_of_the_rows_rejected__is_not_stopped(imports: Imports) -> None:
    ref = imports.list_of("old")
    state = imports.run(ref, lines("k", 400) + b"\xff\n" * 400)
    assert state.status == "complete", state.reason


def test_guards__set_to_one__are_off(valkey_server: Server, s3_server: ObjectServer) -> None:
    with imports_in_process(valkey_server, s3_server, rejected_share=1, shrink_share=1) as imports:
        ref = imports.list_of()
        assert imports.run(ref, lines("u", 3_000)).status == "complete"
        state = imports.run(ref, b"a\n" + b"\xff\n" * 9, "replace")
        assert state.status == "complete", state.reason
        assert imports.members(ref) == {"a"}
