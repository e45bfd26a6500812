"""What is counted, and how it adds up over processes."""

import contextlib
import gc
import tempfile
from collections.abc import Iterator

import pytest

from api.metrics.metrics import Metrics
from api.metrics.pauses import making_what_stays, watch_collections
from api.metrics.tally import MOST_ROWS, Tally, TallyFull, make_file


@pytest.fixture
def tallies() -> Iterator[tuple[Tally, Tally]]:
    """Of two processes."""
    with tempfile.TemporaryFile() as opened:
        make_file(opened.fileno(), 2)
        yield Tally.shared(opened.fileno(), 0), Tally.shared(opened.fileno(), 1)


def _values(metrics: Metrics) -> dict[str, float]:
    lines = metrics.render(None).decode().splitlines()
    pairs = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
    return {name: float(value) for name, value in pairs}


def test_metrics__of_two_processes__add_up_whoever_is_asked(tallies: tuple[Tally, Tally]) -> None:
    first, second = (Metrics(tally, monotonic=lambda: 1.0) for tally in tallies)
    first.answered(included=True, seconds=0.0004)
    first.unanswered(404, 0.004)
    second.answered(included=False, seconds=2.0)
    second.unanswered(503, 0.1)
    second.unanswered(0, 0.1)
    for metrics in (first, second):
        metrics.audit_lost()
    second.request("GET", "/projects", 200, 0.02)
    first.request("GET", "/projects", 200, 0.03)
    first.pipelines += 2
    second.pipelines += 3
    second.asked_again += 1
    first.segments_in_error(4)
    for metrics in (first, second):
        metrics.serving()

    values = _values(first)

    assert values == _values(second)
    assert values['bigseg_lookups_total{status="200"}'] == 2
    assert values['bigseg_lookups_total{status="404"}'] == 1
    assert values['bigseg_lookup_seconds_bucket{answer="in",le="0.0005"}'] == 1
    assert values['bigseg_lookup_seconds_bucket{answer="not_in",le="1.0"}'] == 0
    assert values['bigseg_lookup_seconds_sum{answer="not_in"}'] == pytest.approx(2.0)
    for answer in ("in", "not_in", "refused", "unknown", "gone"):
        assert values[f'bigseg_lookup_seconds_count{{answer="{answer}"}}'] == 1, answer
    assert values['bigseg_audit_losses_total{process="api"}'] == 2
    assert values["bigseg_store_up"] == 0
    labels = 'method="GET",route="/projects",status="200"'
    assert values[f"bigseg_request_seconds_count{{{labels}}}"] == 2
    assert values[f"bigseg_request_seconds_sum{{{labels}}}"] == pytest.approx(0.05)
    assert values["bigseg_lookup_pipelines_total"] == 5
    assert values["bigseg_lookups_asked_again_total"] == 1
    assert values["bigseg_segments_in_error_total"] == 4
    assert values["bigseg_api_starts_total"] == 2


def test_metrics__of_a_replaced_process__go_on(tallies: tuple[Tally, Tally]) -> None:
    for _ in range(2):
        metrics = Metrics(tallies[1])
        metrics.answered(included=True, seconds=0.001)
        metrics.request("GET", "/projects", 200, 0.02)

    assert _values(metrics)['bigseg_lookups_total{status="200"}'] == 2


def test_requests__of_more_kinds_than_there_is_room_for__count_as_others() -> None:
    metrics = Metrics(Tally.alone())
    for number in range(MOST_ROWS + 10):
        metrics.request("GET", f"/{number}", 200, 0.001)

    counts = {
        name: value
        for name, value in _values(metrics).items()
        if name.startswith("bigseg_request_seconds_count")
    }

    others = 'bigseg_request_seconds_count{method="other",route="other",status="0"}'
    assert counts[others] > 10
    assert sum(counts.values()) == MOST_ROWS + 10


def test_requests__of_methods_that_no_route_takes__are_of_one_kind() -> None:
    metrics = Metrics(Tally.alone())
    for method in ("PROPFIND", "TRACE", "QUERY"):
        metrics.request(method, "/docs", 405, 0.001)

    name = 'bigseg_request_seconds_count{method="other",route="/docs",status="405"}'
    assert _values(metrics)[name] == 3


def test_look_ups__when_all_rows_are_taken__count_as_others_and_none_fails() -> None:
    tally = Tally.alone()
    metrics = Metrics(tally)
    with contextlib.suppress(TallyFull):
        for number in range(MOST_ROWS):
            tally.row("taken", str(number))

    for status in (404, 404, 503):
        metrics.unanswered(status, 0.001)
    metrics.answered(included=True, seconds=0.001)

    values = _values(metrics)
    assert values['bigseg_lookups_total{status="other"}'] == 3
    assert values['bigseg_lookups_total{status="200"}'] == 1
    assert values["bigseg_metrics_overflow_total"] == 2


def test_token_cache_age__of_several_processes__is_that_of_the_one_furthest_behind(
    tallies: tuple[Tally, Tally],
) -> None:
    first, second = (Metrics(tally, monotonic=lambda: 100.0) for tally in tallies)
    assert _values(first)["bigseg_token_cache_age_seconds"] == 0
    first.tokens_read(99.5)
    second.tokens_read(70.0)

    assert _values(first)["bigseg_token_cache_age_seconds"] == 30


def test_collections__are_counted_with_the_longest_of_all_processes(
    tallies: tuple[Tally, Tally],
) -> None:
    clocks = [iter((0.0, 1.0, 1.003)), iter((0.0, 5.0, 5.02))]
    for tally, clock in zip(tallies, clocks, strict=True):
        stop = watch_collections(tally, monotonic=clock.__next__)
        gc.collect()
        stop()
    gc.unfreeze()
    gc.collect()

    values = _values(Metrics(tallies[0]))

    assert values["bigseg_gc_pause_seconds_count"] == 2
    assert values["bigseg_gc_pause_seconds_max"] == pytest.approx(0.02)


@pytest.mark.parametrize(("seconds", "kept"), [(0.0021, True), (0.0019, False)])
def test_collection__that_takes_long__leaves_out_what_is_there_from_then_on(
    seconds: float, kept: bool
) -> None:
    stop = watch_collections(Tally.alone(), monotonic=iter((0.0, 0.0, seconds)).__next__)
    before = gc.get_freeze_count()
    try:
        gc.collect()
        assert (gc.get_freeze_count() > before) is kept
    finally:
        stop()
        gc.unfreeze()


def test_what_stays__made_without_collections__is_never_looked_at_again() -> None:
    counts: list[str] = []

    def note(phase: str, _info: object) -> None:
        counts.append(phase)

    before = gc.get_freeze_count()
    gc.callbacks.append(note)
    try:
        with making_what_stays():
            made = [[number] for number in range(50_000)]
        assert not counts
        assert gc.isenabled()
        assert gc.get_freeze_count() >= before + len(made)
    finally:
        gc.callbacks.remove(note)
        gc.unfreeze()
