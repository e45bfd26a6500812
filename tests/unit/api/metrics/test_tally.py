"""Numbers that processes share: whose they are, and what outlives whom."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import pytest

from api.metrics.tally import MOST_ROWS, Tally, TallyFull, make_file

_CHILD = """
import os, sys
from api.metrics.tally import Tally
tally = Tally.shared(int(sys.argv[1]), 1)
row = tally.row("count", "a")
row.integers[row.at] += 5
row.floats[row.at + 1] += 0.25
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def file() -> Iterator[int]:
    with tempfile.TemporaryFile() as opened:
        make_file(opened.fileno(), 2)
        yield opened.fileno()


def _read(tally: Tally) -> list[tuple[tuple[str, ...], int, float]]:
    return [(row.name, row.integers[0], row.floats[1]) for row in tally.read_all()]


def test_rows__of_a_killed_process__are_kept_and_its_successor_goes_on(file: int) -> None:
    for _ in range(2):
        subprocess.run([sys.executable, "-c", _CHILD, str(file)], pass_fds=(file,), check=False)

    assert _read(Tally.shared(file, 0)) == [(("count", "a"), 10, 0.5)]


def test_rows__of_several_places__are_apart(file: int) -> None:
    tallies = [Tally.shared(file, place) for place in (0, 1)]
    for number, tally in enumerate(tallies):
        row = tally.row("count")
        row.integers[row.at] += number + 1

    assert _read(tallies[0]) == _read(tallies[1]) == [(("count",), 1, 0.0), (("count",), 2, 0.0)]


def test_row__asked_for_again__is_the_same() -> None:
    tally = Tally.alone()

    assert tally.row("a", "b").at == tally.row("a", "b").at != tally.row("ab").at


def test_row__beyond_the_room__is_refused_and_the_others_stay() -> None:
    tally = Tally.alone()
    with pytest.raises(TallyFull):
        tally.row("x" * 1_000)
    for number in range(MOST_ROWS):
        tally.row(str(number))

    with pytest.raises(TallyFull):
        tally.row("one more")
    assert [row.name for row in tally.read_all()] == [(str(n),) for n in range(MOST_ROWS)]


def test_file__has_room_for_its_places_and_takes_none_before_it_is_used(file: int) -> None:
    status = os.fstat(file)

    assert status.st_blocks * 512 < status.st_size == 2 * MOST_ROWS * 512
