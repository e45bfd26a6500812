"""Whatever workers do to a job, and however often, the progress that callers see never falls."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.store.stores import PRODUCTION, new_list, opened, token
from worker.store import ImportRequest, JobRef, Store
from worker.store.jobs import BYTES_TOTAL, Unit, share_entry

_CHUNKS, _RANGES, _CHUNK_BYTES = 3, 2, 100
_PLACE = (PRODUCTION, "s")
_UNITS = {"plan": 1, "scatter": _CHUNKS, "size": 1, "gather": _RANGES, "publish": 1}
_NEXT = {"plan": "scatter", "scatter": "size", "size": "gather", "gather": "publish"}


@dataclass(slots=True)
class _Workers:
    """Workers that do whatever is legal, in an order that is drawn."""

    store: Store
    job: JobRef
    draw: Callable[..., int]
    held: list[Unit] = field(default_factory=list)

    def step(self) -> None:
        acts = (self.take, self.take, self.renew, self.renew, self.finish, self.leave, self.go_back)
        acts[self.draw(st.integers(0, len(acts) - 1))]()

    def take(self) -> None:
        """Take a unit, or one that another worker has: each lease has run out."""
        unit = self.store.jobs.take(self.job, lease_ms=0, most_tries=1_000)
        if isinstance(unit, Unit):
            self.held.append(unit)

    def renew(self) -> None:
        if not self.held:
            return
        unit, share = self._any(), self.draw(st.integers(0, 100)) / 100
        stage = "gather" if unit.stage == "scatter" and self.draw(st.booleans()) else unit.stage
        self.store.jobs.renew(
            self.job,
            unit,
            lease_ms=0,
            rows=round(10 * share),
            size_bytes=self._bytes(unit, share),
            share=share_entry(stage, unit.number, share),
        )

    def finish(self) -> None:
        if self.held:
            unit = self._any()
            size = self._bytes(unit, self.draw(st.integers(90, 110)) / 100)
            self.store.jobs.finish(self.job, unit, b"{}", rows=10, size_bytes=size)

    def leave(self) -> None:
        """Open the next stage, wait for an approval, or get it."""
        stage = self.store.jobs.get(self.job).stage
        if stage in _NEXT:
            following, drained = _NEXT[stage], stage in ("scatter", "gather")
            self.store.jobs.advance(self.job, stage, following, _UNITS[following], drained=drained)
        elif stage == "publish":
            self.store.jobs.hold(self.job, stage, 0)
        else:
            self.store.jobs.resume(self.job)

    def go_back(self) -> None:
        stage = self.store.jobs.get(self.job).stage
        earlier = {"size": "scatter", "publish": "gather"}.get(stage)
        if earlier is not None:
            again = [self.draw(st.integers(0, _UNITS[earlier] - 1))]
            self.store.jobs.reopen(self.job, stage, earlier, _UNITS[earlier], again)

    def _any(self) -> Unit:
        return self.held[self.draw(st.integers(0, len(self.held) - 1))]

    @staticmethod
    def _bytes(unit: Unit, share: float) -> int:
        return round(_CHUNK_BYTES * share) if unit.stage == "scatter" else 0


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with opened(None) as store:
        new_list(store)
        yield store


@settings(max_examples=15)
@given(data=st.data(), steps=st.integers(10, 40))
def test_progress__of_any_work__never_falls_and_is_whole_at_the_end(
    store: Store, data: st.DataObject, steps: int
) -> None:
    ref = store.segments.get(*_PLACE).ref
    request = ImportRequest(token(), ref, "merge", (), allow_empty=False, created_ms=1)
    store.jobs.create(request, stage="claim", units=0)
    total = BYTES_TOTAL.entry(_CHUNKS * _CHUNK_BYTES)
    store.jobs.advance(request.ref, "claim", "plan", 1, total)
    workers = _Workers(store, request.ref, data.draw)
    seen = [(0.0, 0)]
    for _ in range(steps):
        workers.step()
        progress = store.jobs.get(request.ref).progress
        seen.append((progress.share, progress.bytes_done))
    store.jobs.end(request.ref, "complete", report={"rowsRead": 30}, keep_s=60)

    shares, sizes = zip(*seen, strict=True)
    assert list(shares) == sorted(shares)
    assert list(sizes) == sorted(sizes)
    assert shares[-1] < 1
    assert sizes[-1] <= _CHUNKS * _CHUNK_BYTES
    assert store.jobs.get(request.ref).progress.share == 1
