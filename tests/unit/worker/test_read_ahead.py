"""Items are taken ahead in a thread that never outlives its block."""

import threading
from collections.abc import Generator

import pytest

from tests.support.servers.redis import wait_until
from worker.read_ahead import read_ahead


class Source:
    """A generator of numbers that notes what became of it."""

    def __init__(self, count: int, *, fails: bool = False) -> None:
        self.count = count
        self.fails = fails
        self.made = 0
        self.closed = False
        self.threads: set[int] = set()

    def numbers(self) -> Generator[int]:
        try:
            for number in range(self.count):
                self.threads.add(threading.get_ident())
                self.made += 1
                yield number
            if self.fails:
                raise ConnectionError("the source is gone")
        finally:
            self.closed = True


def _threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("read-ahead")]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 50])
def test_read_ahead__whole_source__comes_in_order_from_one_other_thread(count: int) -> None:
    source = Source(count)
    with read_ahead(source.numbers(), 3) as numbers:
        assert list(numbers) == list(range(count))
    assert source.closed
    assert len(source.threads) == min(count, 1)
    assert threading.get_ident() not in source.threads
    assert not _threads()


def test_read_ahead__nobody_takes__reads_as_far_as_it_may() -> None:
    source = Source(100)
    with read_ahead(source.numbers(), 3) as numbers:
        assert next(numbers) == 0
        wait_until(lambda: source.made == 4, "three more are read")
        assert next(numbers) == 1
        wait_until(lambda: source.made == 5, "one more is read")
    assert (source.made, source.closed) == (5, True)
    assert not _threads()


def take(source: Source, taken: list[int], *, most: int) -> None:
    """Take numbers until there are no more, or fail behind so many."""
    with read_ahead(source.numbers(), 2) as numbers:
        for number in numbers:
            taken.append(number)
            if len(taken) == most:
                raise KeyError


def test_read_ahead__source_fails__raises_behind_its_last_item() -> None:
    source, taken = Source(5, fails=True), list[int]()
    with pytest.raises(ConnectionError, match="is gone"):
        take(source, taken, most=10)
    assert taken == list(range(5))
    assert source.closed
    assert not _threads()


def test_read_ahead__taker_fails__source_is_closed_and_the_thread_ended() -> None:
    source, taken = Source(1_000), list[int]()
    with pytest.raises(KeyError):
        take(source, taken, most=3)
    assert taken == [0, 1, 2]
    assert source.closed
    assert source.made < 10
    assert not _threads()


def test_read_ahead__never_taken__closes_the_source_all_the_same() -> None:
    source = Source(5)
    numbers = source.numbers()
    with read_ahead(numbers, 2):
        pass
    assert source.made == 0
    with pytest.raises(StopIteration):
        next(numbers)


def test_read_ahead__item_takes_long__taker_is_called_meanwhile() -> None:
    may_come = threading.Event()

    def numbers() -> Generator[int]:
        assert may_come.wait(30)
        yield 1

    with read_ahead(numbers(), 1, on_wait=may_come.set) as taken:
        assert list(taken) == [1]


def test_read_ahead__call_fails_while_waiting__ends_it() -> None:
    may_end = threading.Event()

    def numbers() -> Generator[int]:
        yield 1
        assert may_end.wait(30)

    def fail() -> None:
        may_end.set()
        raise KeyError

    with pytest.raises(KeyError), read_ahead(numbers(), 1, on_wait=fail) as taken:
        list(taken)
    assert not _threads()
