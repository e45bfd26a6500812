"""Every metric that the API shows, by name: type and labels."""

from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from api.metrics.metrics import Metrics
from api.metrics.store_reader import StoreFigures
from api.metrics.tally import Tally
from worker.store import Monitored, Survey
from worker.store.monitoring import ListFigures, MemoryFigures

_SURVEY = Survey(
    taken_ms=1_000,
    took_ms=2,
    skew_ms=3,
    jobs={},
    queue_age_ms=4,
    queue_depths={"bigseg.work": 5},
    lists=ListFigures(),
    memory=MemoryFigures(used_bytes=6, limit_bytes=7, fullest_share=0.8),
    reserved_bytes=9,
)
FIGURES = StoreFigures(Monitored(5_000, {}, _SURVEY), [], 0.25)
#: Labels of histograms that are the format's own.
_OF_THE_FORMAT = {"le"}
#: Labels whose values depend on what is asked.
_OPEN = {"method", "route", "status"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A metric as it is scraped."""

    type: str
    text: str
    labels: frozenset[str]
    values: Mapping[str, frozenset[str]]
    """Of each label, where they are a fixed set."""
    samples: frozenset[str]
    """The names of its series."""


def shown_metrics() -> dict[str, Shown]:
    """Every metric of an API that has counted one of each, over a store that has everything."""
    metrics = Metrics(Tally.alone())
    metrics.request("GET", "/projects", 200, 0.001)
    text = metrics.render(FIGURES).decode()
    return {family.name: _shown(family) for family in text_string_to_metric_families(text)}


def _shown(family: Metric) -> Shown:
    labels = {label for sample in family.samples for label in sample.labels}
    return Shown(
        family.type,
        family.documentation,
        frozenset(labels - _OF_THE_FORMAT),
        {
            label: frozenset(sample.labels[label] for sample in family.samples)
            for label in labels - _OF_THE_FORMAT - _OPEN
        },
        frozenset(sample.name for sample in family.samples),
    )
