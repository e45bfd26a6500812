"""What is shown of the processes that write shards."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.support.store.stores import clock_ms, opened
from worker.store import Store
from worker.store.lists import WritingBoard


@pytest.fixture
def store() -> Iterator[Store]:
    with opened(None) as store:
        yield store


def _board(store: Store, *, later_ms: int = 0) -> WritingBoard:
    return WritingBoard(replace(store.database, now_ms=lambda: clock_ms() + later_ms))


def test_board__several_processes__are_shown_until_they_end(store: Store) -> None:
    board = store.writing
    assert board.read() == []
    board.show("a", "nobody asks", 2.5e7)
    board.show("b", "answers late", 3.9)
    board.show("a", "answers in time", 1e6)
    shown = {(one.reason, one.bytes_s) for one in board.read()}
    assert shown == {("answers in time", 1_000_000), ("answers late", 3)}
    for _ in range(2):
        board.remove("a")
    assert [one.reason for one in board.read()] == ["answers late"]


def test_board__one_that_died__is_shown_no_more_and_forgotten(store: Store) -> None:
    store.writing.show("a", "nobody asks", 1.0)
    assert _board(store, later_ms=9_000).read()
    assert _board(store, later_ms=11_000).read() == []
    assert store.client.hlen(store.keyspace.writing()) == 0


def test_board__entry_of_another_release__is_left_out(store: Store) -> None:
    store.writing.show("a", "nobody asks", 1.0)
    store.client.hset(store.keyspace.writing(), "b", b'{"reason":"?","bytes_s":1}')
    assert len(store.writing.read()) == 1
