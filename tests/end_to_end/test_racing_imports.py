"""Edits, readers and other imports beside an import."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from tests.support.systems.driving import csv_of, new_segment, random_keys
from tests.support.systems.system import TOKEN, System

KEYS = random_keys(9_000, 6)
EDITORS = 4


@contextmanager
def _meanwhile(*jobs: Callable[[httpx.Client, threading.Event], None]) -> Iterator[None]:
    """Run jobs in threads until the block ends; a job's error fails the block."""
    ending = threading.Event()
    with ThreadPoolExecutor(len(jobs)) as pool, httpx.Client(timeout=60) as http:
        running: list[Future[None]] = [pool.submit(job, http, ending) for job in jobs]
        try:
            yield
        finally:
            ending.set()
        for job in running:
            job.result()


@dataclass(slots=True)
class Editor:
    """Adds new keys and removes keys of the list, each once, as fast as it can."""

    number: int
    url: str
    added: list[tuple[str, float, float]] = field(default_factory=list)
    """Key, when the request was sent, when it was acknowledged."""
    removed: list[tuple[str, float, float]] = field(default_factory=list)

    def __call__(self, http: httpx.Client, ending: threading.Event) -> None:
        left = KEYS[self.number :: EDITORS]
        while not ending.is_set() and left:
            add = [f"own-{self.number}-{len(self.added) + n}" for n in range(3)]
            remove, left = left[:2], left[2:]
            body = {"included": {"add": add, "remove": remove}}
            sent = time.monotonic()
            reply = http.post(self.url, json=body, headers={"Authorization": TOKEN})
            assert reply.status_code == 204, reply.text
            acknowledged = time.monotonic()
            self.added += [(key, sent, acknowledged) for key in add]
            self.removed += [(key, sent, acknowledged) for key in remove]


@pytest.mark.parametrize("count", [300, len(KEYS)], ids=["one chunk", "several chunks"])
def test_edits__without_pause_while_lists_are_replaced__none_is_lost(
    system: System, count: int
) -> None:
    segment = new_segment(system)
    segment.completed(segment.upload(csv_of(["old", *KEYS[:count]])))
    editors = [Editor(n, f"{system.url}{segment.path}/contexts") for n in range(EDITORS)]
    with _meanwhile(*editors):
        for _ in range(3):
            asked = time.monotonic()
            import_id = segment.upload(csv_of(KEYS[:count]), "replace")
            claimed = time.monotonic()
            segment.completed(import_id)
    # What was acknowledged before the last claim is replaced by the file; what was sent after
    # it wins over the file; what overlapped the claim may have come first or second.
    expected, either = set(KEYS[:count]), set()
    for editor in editors:
        for key, sent, acknowledged in editor.added:
            expected |= {key} if sent > claimed else set()
            either |= {key} if sent <= claimed and acknowledged >= asked else set()
        for key, sent, acknowledged in editor.removed:
            expected -= {key} if sent > claimed else set()
            either |= {key} if sent <= claimed and acknowledged >= asked else set()
    found = segment.members()
    assert found - either == expected - either
    assert segment.counted() == len(found)
    late = [key for editor in editors for key, sent, _ in editor.added if sent > claimed]
    assert len(late) > 20, "edits fell into the last import"


def test_edit__before_and_after_the_claim__file_wins_then_edit_wins(system: System) -> None:
    segment = new_segment(system)
    segment.edit(add=["before"], remove=[KEYS[0]])
    system.worker.kill()  # so that the import stays where it is
    import_id = segment.upload(csv_of(KEYS), "replace")
    assert segment.edit(add=["after"], remove=[KEYS[1]]).status_code == 204
    assert segment.includes("before")
    assert segment.includes("after")
    system.worker.start()
    report = segment.completed(import_id)
    assert report["editedWhileImporting"] == 0, "one added, one removed"
    assert segment.members() == (set(KEYS) | {"after"}) - {KEYS[1]}
    assert segment.counted() == len(KEYS)


def test_readers__through_flips__never_see_a_mixture_of_two_revisions(system: System) -> None:
    segment, flips = new_segment(system), 5
    marks = [f"mark-{n}" for n in range(flips)]
    segment.completed(segment.upload(csv_of([*KEYS, marks[0]])))
    seen: list[set[int]] = [set(), set()]

    def through_the_api(http: httpx.Client, ending: threading.Event) -> None:
        newest = 0
        while not ending.is_set():
            for number in range(newest, flips):
                path = f"{system.url}{segment.path}/contexts"
                there, kept = (
                    http.get(f"{path}/{key}", headers={"Authorization": TOKEN}).json()["included"]
                    for key in (marks[number], KEYS[number])
                )
                assert kept, "this key is in every revision"
                if there:
                    newest = number
                    seen[0].add(number)
            # Once a revision was seen, nothing is as it was before.
            for old in marks[:newest]:
                reply = http.get(f"{path}/{old}", headers={"Authorization": TOKEN})
                assert not reply.json()["included"]

    def through_the_store(_: httpx.Client, ending: threading.Event) -> None:
        while not ending.is_set():
            answers = system.store.memberships.look_up(segment.ref, [*marks, KEYS[5]])
            there = [n for n, answer in enumerate(answers) if answer.included]
            assert len(there) == 2, there
            assert there[1] == flips
            seen[1].add(there[0])

    with _meanwhile(through_the_api, through_the_store):
        for number in range(1, flips):
            kept = KEYS if number % 2 else KEYS[:200]  # with and without chunks
            segment.completed(segment.upload(csv_of([*kept, marks[number]]), "replace"))
    assert min(map(len, seen)) >= flips - 1


def test_second_import__while_one_runs__is_refused(system: System) -> None:
    segment = new_segment(system)
    system.worker.kill()
    first = segment.upload(csv_of(KEYS))
    for _ in range(2):
        assert segment.try_upload(b"a\n").status_code == 409
    system.worker.start()
    segment.completed(first)
    segment.completed(segment.upload(b"a\n"))


def test_imports__racing__exactly_one_wins(system: System) -> None:
    segment = new_segment(system)
    with ThreadPoolExecutor(6) as pool:
        replies = list(
            pool.map(lambda n: segment.try_upload(csv_of([f"race-{n}"]), "replace"), range(6))
        )
    statuses = sorted(reply.status_code for reply in replies)
    assert set(statuses) <= {204, 409}
    winners = [n for n, reply in enumerate(replies) if reply.status_code == 204]
    assert winners
    for n in winners:  # a quick one may have ended before the next came
        segment.completed(replies[n].headers["location"].rpartition("/")[2])
    assert len(segment.members()) == 1
    assert segment.counted() == 1
