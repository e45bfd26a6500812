"""A Parquet file may end the process that decodes it, and nothing else."""

import io
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.support.lists import parquet_attacks as attacks
from tests.support.servers.objects import ObjectServer
from tests.support.servers.redis import Server, wait_until
from tests.support.systems.imports import imports_in_process
from worker.lists.byte_streams import ranges_of
from worker.lists.errors import DecoderLost, UnreadableList, UnsupportedColumn, UnusableList
from worker.lists.keys.validation import validate
from worker.lists.parquet.decoder import ParquetDecoder

DATA = Path(__file__).parents[4] / "data"
MIB = 1024 * 1024
#: A reading that is refused takes a fraction of a second; the machine may be busy.
SECONDS = 15.0
GOOD = attacks.parquet(pa.array(["a", None, "b"]))


@pytest.fixture(scope="module")
def decoder() -> Iterator[ParquetDecoder]:
    decoding = ParquetDecoder(256 * MIB)
    yield decoding
    decoding.close()


class File(io.BytesIO):
    """Does something when it is read for the n-th time."""

    def __init__(self, content: bytes, act: Callable[[], object], *, at: int = 1) -> None:
        super().__init__(content)
        self._act, self._left = act, at

    def read(self, size: int | None = -1, /) -> bytes:
        self._left -= 1
        if self._left == 0:
            self._act()
        return super().read(size)


def read(decoder: ParquetDecoder, file: io.BytesIO) -> list[bytes]:
    size = len(file.getvalue())
    groups = decoder.open_parquet(file, size).row_groups
    keys: list[Any] = []
    for batch in decoder.read_row_groups(file, size, 0, len(groups) - 1):
        keys += batch.keys.to_pylist()
    return keys


def read_by_library(decoder: ParquetDecoder, file: io.BytesIO) -> list[bytes]:
    """The same, with no page read outside the process."""
    size = len(file.getvalue())
    groups = decoder.open_parquet(file, size).row_groups
    order = {"size": size, "groups": (0, len(groups) - 1), "rows": 100, "number": None}
    order |= {"skip": 0, "pages": False}
    keys: list[Any] = []
    for cells in decoder._read_cells(file, order, ranges_of(file), lambda: None):
        keys += validate(cells).keys.to_pylist()
    return keys


def assert_good(decoder: ParquetDecoder) -> None:
    assert read(decoder, io.BytesIO(GOOD)) == [b"a", b"b"]


def program_of(decoder: ParquetDecoder) -> int:
    assert_good(decoder)
    assert decoder._process.pid is not None
    return decoder._process.pid


def fork_of(program: int) -> int:
    children = Path(f"/proc/{program}/task/{program}/children")
    wait_until(lambda: bool(children.read_text()), "it has forked")
    return int(children.read_text())


def open_files(pid: int) -> set[str]:
    folder = Path(f"/proc/{pid}/fd")
    return {str(one.readlink()).partition(":")[0] for one in folder.iterdir()}


@pytest.mark.parametrize("name", ["aborts-reader-1.parquet", "aborts-reader-2.parquet"])
def test_read__file_that_aborts_the_library__is_damaged_and_the_next_one_is_read(
    decoder: ParquetDecoder, name: str
) -> None:
    program = program_of(decoder)
    started = time.monotonic()
    with pytest.raises(UnreadableList, match="damaged: the reader crashed"):
        read(decoder, io.BytesIO((DATA / name).read_bytes()))
    assert time.monotonic() - started < SECONDS
    assert program_of(decoder) == program


def test_program__running__knows_no_secret_and_no_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("BIGSEG_REDIS_URL", "AWS_SECRET_ACCESS_KEY", "BIGSEG_ADMIN_TOKEN"):
        monkeypatch.setenv(name, "a-secret")
    decoding = ParquetDecoder()
    program = program_of(decoding)
    assert b"a-secret" not in Path(f"/proc/{program}/environ").read_bytes()
    assert open_files(program) == {"/dev/null", "socket"}
    found: list[set[str]] = []
    file = File(GOOD, lambda: found.append(open_files(fork_of(program))))
    read(decoding, file)
    assert found == [{"/dev/null", "socket"}]
    decoding.close()
    wait_until(lambda: not Path(f"/proc/{program}").exists(), "it has ended")


def test_read__fork_killed__is_lost_and_safe_to_retry(decoder: ParquetDecoder) -> None:
    program = program_of(decoder)
    file = File(GOOD, lambda: os.kill(fork_of(program), signal.SIGKILL))
    with pytest.raises(DecoderLost, match="was killed"):
        read(decoder, file)
    assert_good(decoder)


def test_read__program_killed__is_lost_then_started_again(decoder: ParquetDecoder) -> None:
    program = program_of(decoder)
    with pytest.raises(DecoderLost):
        read(decoder, File(GOOD, lambda: os.killpg(program, signal.SIGKILL)))
    assert program_of(decoder) != program
    os.kill(program_of(decoder), signal.SIGKILL)
    wait_until(lambda: decoder._process.pid is None, "end")
    assert_good(decoder)


def test_read__fork_stands_still__is_given_up_and_the_lease_is_kept_meanwhile() -> None:
    decoding = ParquetDecoder(silence_limit_s=SECONDS)
    # A program loads its libraries first, for longer than a second on a busy machine.
    program = program_of(decoding)
    decoding._silence_limit_s = 1.0
    waits: list[float] = []
    file = File(GOOD, lambda: os.kill(fork_of(program), signal.SIGSTOP))
    with pytest.raises(DecoderLost, match="did not respond for 1 s"):
        decoding.open_parquet(file, len(GOOD), on_wait=lambda: waits.append(time.monotonic()))
    assert len(waits) >= 3
    decoding._silence_limit_s = SECONDS
    assert_good(decoding)
    decoding.close()


def test_read__computes_without_result__is_the_file_s_fault(decoder: ParquetDecoder) -> None:
    program = program_of(decoder)
    # The clock of a fork that computes for too long sends it this signal.
    file = File(GOOD, lambda: os.kill(fork_of(program), signal.SIGPROF))
    with pytest.raises(UnreadableList, match="produced nothing in 10 s of CPU time"):
        read(decoder, file)


def test_read__left_half_way__leaves_nothing_behind(decoder: ParquetDecoder) -> None:
    content = attacks.parquet(pa.array([f"{number}" for number in range(50_000)]))
    batches = decoder.read_row_groups(io.BytesIO(content), len(content), 0, 0, batch_rows=100)
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    assert_good(decoder)


def test_read__file_fails__its_own_error_passes(decoder: ParquetDecoder) -> None:
    def fail() -> None:
        raise ConnectionResetError(104, "gone")

    with pytest.raises(ConnectionResetError):
        read(decoder, File(GOOD, fail))
    assert_good(decoder)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(attacks.repeated_groups(15), "32,768 row groups", id="row groups"),
        pytest.param(attacks.repeated_groups(9), "row groups claim", id="overlapping groups"),
        pytest.param(attacks.run_of("a", 1 << 30), "which cannot hold them", id="run length"),
        # Which of the two bounds is met first depends on how the library takes memory.
        pytest.param(
            attacks.run_of("a" * 900, 9_000_000), "decode to over|takes more memory", id="long keys"
        ),
        pytest.param(attacks.run_of("a" * MIB, 9_000_000), "takes more memory", id="long cells"),
        pytest.param(attacks.nested_footer(100_000), "Parquet", id="nested"),
        pytest.param(GOOD[:-6] + b"\xff\xff" + GOOD[-4:], "Parquet", id="footer's length"),
    ],
)
def test_read__file_that_claims_or_costs_too_much__is_stopped_in_bounds(
    decoder: ParquetDecoder, content: bytes, reason: str
) -> None:
    assert len(content) < 4 * MIB
    started = time.monotonic()
    with pytest.raises(UnusableList, match=reason):
        read(decoder, io.BytesIO(content))
    assert time.monotonic() - started < SECONDS
    assert decoder.peak_kib < 400 * 1024


def test_read__mutated_files__end_typed_and_in_bounds(decoder: ParquetDecoder) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    # Shown where the test fails.
    sys.stdout.write(f"seed {seed}\n")
    program = program_of(decoder)
    ended = {"read": 0, "refused": 0}
    slowest = 0.0
    for number, content in enumerate(attacks.mutated(seed, 120)):
        started = time.monotonic()
        try:
            keys = read(decoder, io.BytesIO(content))
            ended["read"] += 1
            assert keys == read_by_library(decoder, io.BytesIO(content))
        except (UnreadableList, UnsupportedColumn):
            ended["refused"] += 1
        except BaseException as exc:
            message = f"mutant {number} of seed {seed}: {type(exc).__name__}: {exc}"
            raise AssertionError(message) from exc
        slowest = max(slowest, time.monotonic() - started)
        assert decoder.peak_kib < 400 * 1024, f"mutant {number} of seed {seed}"
    assert slowest < SECONDS, f"seed {seed}"
    assert min(ended.values()) > 0, f"{ended}, seed {seed}"
    assert program_of(decoder) == program, f"seed {seed}"


def test_import__decoder_killed_each_time__tried_once_more_then_stopped(
    valkey_server: Server, s3_stand_in: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with imports_in_process(valkey_server, s3_stand_in) as imports:
        decoding = imports.services.parquet
        kills: list[int] = []

        def kill() -> None:
            pid = decoding._process.pid
            assert pid is not None
            kills.append(pid)
            os.killpg(kills[-1], signal.SIGKILL)

        monkeypatch.setattr(
            imports.services.objects, "open_random_access", lambda _info: File(GOOD, kill)
        )
        state = imports.run(imports.list_of("old"), GOOD)
    assert state.status == "stopped"
    assert "decodes Parquet was killed" in (state.reason or "")
    assert len(set(kills)) == 2


def test_read__run_of_many_rows_that_may_be_true__all_of_them(decoder: ParquetDecoder) -> None:
    content = attacks.run_of("abc", 500_000)
    assert read(decoder, io.BytesIO(content)) == [b"abc"] * 500_000
