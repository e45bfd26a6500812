"""What the real workers count and survey is in the metrics of the API."""

import re

from tests.support.servers.redis import wait_until
from tests.support.systems.driving import csv_of, new_segment
from tests.support.systems.system import System

_LIMIT_S = 60


def test_metrics__after_jobs__have_what_the_workers_counted_and_surveyed(system: System) -> None:
    def value(series: str) -> float:
        found = re.search(
            rf"^{re.escape(series)} (\S+)$", system.http.get("/metrics").text, re.MULTILINE
        )
        return float(found[1]) if found else -1

    ended = 'bigseg_jobs_ended_total{{kind="{}",outcome="{}"}}'
    complete, stopped = (ended.format("import", outcome) for outcome in ("complete", "stopped"))
    exported = ended.format("export", "complete")
    wait_until(lambda: value("bigseg_store_up") == 1, "the store answers", _LIMIT_S)
    before = {series: value(series) for series in (complete, stopped, exported)}

    segment = new_segment(system)
    segment.completed(segment.upload(csv_of(["a", "b"])))
    assert segment.members() == {"a", "b"}
    assert "no row was usable" in segment.stopped(segment.upload(b"\xff\n"))

    after = {series: count + 1 for series, count in before.items()}
    wait_until(
        # Other tests' jobs may be counted meanwhile.
        lambda: all(value(series) >= count for series, count in after.items()),
        "all are counted",
        _LIMIT_S,
    )
    wait_until(lambda: value("bigseg_members") >= 2, "upkeep has surveyed", _LIMIT_S)
    assert 0 <= value("bigseg_survey_age_seconds") < _LIMIT_S
    assert value('bigseg_queue_depth{queue="bigseg.work"}') >= 0
    assert value('bigseg_stage_seconds_total{kind="export",stage="write"}') > 0
