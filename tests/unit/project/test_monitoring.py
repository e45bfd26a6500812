"""Alerts, dashboard and runbook name only what the code shows, and all of it."""

import json
import re
from pathlib import Path
from typing import Any, Final

import promql_parser
import pytest
import yaml

from tests.support.documents.metrics import Shown, shown_metrics

_DEPLOY: Final = Path(__file__).parents[3] / "deploy"
_RUNBOOK: Final = (_DEPLOY / "RUNBOOK.md").read_text()
_SHOWN: Final = shown_metrics()
_RULES: Final[list[dict[str, Any]]] = [
    rule
    for group in yaml.safe_load((_DEPLOY / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
_PANELS: Final[list[dict[str, Any]]] = json.loads((_DEPLOY / "dashboard.json").read_text())[
    "panels"
]
_EXPRESSIONS: Final = [rule["expr"] for rule in _RULES] + [
    target["expr"] for panel in _PANELS for target in panel["targets"]
]
#: What Prometheus itself says of a target.
_OF_PROMETHEUS: Final = {"up"}
#: Labels that Prometheus and the format add.
_ADDED_LABELS: Final = {"job", "instance", "le"}


def _series() -> dict[str, Shown]:
    return {sample: shown for shown in _SHOWN.values() for sample in shown.samples}


def _selectors(node: Any) -> list[Any]:
    """Every selector of series in a parsed expression."""
    if isinstance(node, promql_parser.VectorSelector):
        return [node]
    found = []
    for name in ("expr", "lhs", "rhs", "vector_selector", "param"):
        found += _selectors(getattr(node, name)) if getattr(node, name, None) is not None else []
    for argument in getattr(node, "args", None) or []:
        found += _selectors(argument)
    return found


@pytest.mark.parametrize("expression", _EXPRESSIONS)
def test_expression__of_alerts_and_dashboard__is_about_series_that_there_are(
    expression: str,
) -> None:
    selectors = _selectors(promql_parser.parse(expression.replace("$__rate_interval", "5m")))

    assert selectors
    for selector in selectors:
        if selector.name in _OF_PROMETHEUS:
            continue
        shown = _series().get(selector.name)
        assert shown is not None, f"no metric {selector.name}"
        labels = {matcher.name for matcher in selector.matchers.matchers}
        assert labels <= shown.labels | _ADDED_LABELS, selector.name
        for matcher in selector.matchers.matchers:
            values = shown.values.get(matcher.name)
            if values is not None:
                assert set(matcher.value.split("|")) <= values, selector.name


@pytest.mark.parametrize("expression", _EXPRESSIONS)
def test_expression__groups__by_labels_that_there_are(expression: str) -> None:
    labels = set().union(*(shown.labels for shown in _SHOWN.values())) | _ADDED_LABELS
    for group in re.findall(r"\bby \(([^)]*)\)", expression):
        assert {label.strip() for label in group.split(",")} <= labels


def test_alerts__each__has_a_section_of_the_runbook_and_is_complete() -> None:
    section = _RUNBOOK.partition("\n## Alerts\n")[2].partition("\n## ")[0]
    headings = re.findall(r"^### (\w+)$", section, re.MULTILINE)
    names = [rule["alert"] for rule in _RULES]

    assert len(names) == len(set(names))
    assert headings == names, "in the same order"
    for rule in _RULES:
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"]
        anchor = rule["annotations"]["runbook_url"]
        assert anchor == f"RUNBOOK.md#{rule['alert'].lower()}"


def test_dashboard__panels__have_a_place_and_a_title_each() -> None:
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in _PANELS}

    assert len(places) == len(_PANELS) == len({panel["title"] for panel in _PANELS})


@pytest.mark.parametrize("metric", sorted(_SHOWN))
def test_dashboard__each_metric__is_in_a_panel(metric: str) -> None:
    drawn = " ".join(target["expr"] for panel in _PANELS for target in panel["targets"])

    assert set(re.findall(r"\w+", drawn)) & _SHOWN[metric].samples


def test_runbook__its_metrics__are_those_that_are_shown() -> None:
    table = _RUNBOOK.partition("<!-- metrics -->")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]*) \| (.+) \|$", table, re.MULTILINE)
    documented = {
        name: (kind, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, labels, _ in rows
    }

    assert documented == {name: (shown.type, shown.labels) for name, shown in _SHOWN.items()}
    for name, _, _, meaning in rows:
        assert meaning.startswith(_SHOWN[name].text), name


@pytest.mark.parametrize(
    "page", sorted(path for path in _DEPLOY.parent.glob("*/**/*.md") if ".venv" not in path.parts)
)
def test_page__metrics_that_it_names__are_those_that_are_shown(page: Path) -> None:
    named = set(re.findall(r"`(bigseg_[a-z_]+)[`{]", page.read_text()))

    assert named <= set(_SHOWN) | set(_series())


def test_metrics__labels__name_no_project_environment_or_segment() -> None:
    labels = set().union(*(shown.labels for shown in _SHOWN.values()))

    assert not labels & {"project", "environment", "segment", "list", "node", "job"}
