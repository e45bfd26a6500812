"""What is counted, and how it adds up over processes."""

import gc
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.metrics.metrics import Metrics
from api.metrics.pauses import making_what_stays, watch_collections
from api.metrics.tally import MOST_ROWS, Tally, make_file


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
    first, second = map(Metrics, tallies)
    first.look_up(200, 0.0004)
    first.look_up(404, 0.004)
    second.look_up(200, 2.0)
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
    assert values['bigseg_lookup_seconds_bucket{le="0.0005"}'] == 1
    assert values['bigseg_lookup_seconds_bucket{le="0.005"}'] == 2
    assert values['bigseg_lookup_seconds_bucket{le="+Inf"}'] == 3
    assert values["bigseg_lookup_seconds_sum"] == pytest.approx(2.0044)
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
        metrics.look_up(200, 0.001)
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


def test_metrics__of_the_runbook__are_those_that_are_rendered() -> None:
    runbook = (Path(__file__).parents[4] / "deploy/RUNBOOK.md").read_text()
    section = runbook.partition("<!-- metrics -->")[2].partition("\n## ")[0]
    documented = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", section, re.MULTILINE))

    families = text_string_to_metric_families(Metrics(Tally.alone()).render([]).decode())

    assert {family.name: family.type for family in families} == documented
