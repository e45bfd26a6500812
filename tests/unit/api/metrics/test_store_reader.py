"""What the store has is read once for many, and a store that hangs delays nobody for long."""

import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import pytest

from api.metrics.store_reader import StoreReader
from worker.store import Monitored, SdkStoreFigures, Store, StoreUnavailable


class _Stub:
    """A store that counts readings, and hangs or fails when told to."""

    def __init__(self) -> None:
        self.readings = 0
        self.error: Exception | None = None
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.monitoring = SimpleNamespace(read=self._read)
        self.writing = SimpleNamespace(read=list)
        self.sdk_store = SimpleNamespace(figures=SdkStoreFigures)

    def __call__(self) -> Store:
        return cast("Store", self)

    def _read(self) -> Monitored:
        self.readings += 1
        self.goes_on.wait(10)
        if self.error is not None:
            raise self.error
        return Monitored(5_000, {}, None)


@pytest.fixture
def stub() -> _Stub:
    return _Stub()


@pytest.fixture
def clock() -> list[float]:
    return [100.0]


@pytest.fixture
def reader(stub: _Stub, clock: list[float]) -> Iterator[StoreReader]:
    reader = StoreReader(stub, clock_ms=lambda: 7_000, monotonic=lambda: clock[0], wait_s=0.05)
    yield reader
    stub.goes_on.set()
    reader.close()


def test_read__again_within_a_second__is_what_was_read(
    reader: StoreReader, stub: _Stub, clock: list[float]
) -> None:
    figures = reader.read()
    clock[0] += 0.9
    assert reader.read() is figures
    assert stub.readings == 1
    clock[0] += 0.2
    assert reader.read() is not figures
    assert figures is not None
    assert figures.skew_s == 2


def test_read__store_hangs__is_given_up_in_time_and_not_begun_again(
    reader: StoreReader, stub: _Stub, clock: list[float]
) -> None:
    stub.goes_on.clear()
    started = time.monotonic()
    for _ in range(3):
        assert reader.read() is None
        clock[0] += 10
    assert time.monotonic() - started < 5
    assert stub.readings == 1


def test_read__store_answers_again__is_there_again(
    reader: StoreReader, stub: _Stub, clock: list[float]
) -> None:
    stub.error = StoreUnavailable("no answer")
    assert reader.read() is None
    stub.error = None
    clock[0] += 1
    assert reader.read() is not None
