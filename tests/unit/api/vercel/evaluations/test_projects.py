"""Compiled projects: current at every call, compiled once, kept within a bound."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Final

import pytest

from api.vercel.evaluation import Outcome, evaluate
from api.vercel.evaluations.models import EvaluationRepresentation, write_outcomes
from api.vercel.evaluations.projects import EvaluableProject, EvaluableProjects, make_evaluable
from api.vercel.wire.list_names import ListName
from tests.support.store.stores import opened
from worker.store import (
    NewProjectSegment,
    Project,
    ProjectSegment,
    ProjectSegmentChange,
    SegmentBounds,
    Store,
    attached_list_ref,
)

ROOMY: Final = SegmentBounds(1_000, 10_000_000)


@pytest.fixture
def store() -> Iterator[Store]:
    with opened(None) as store:
        yield store


@pytest.fixture
def project(store: Store) -> Project:
    return store.projects.get("default")


def _create(store: Store, project: Project, slug: str, *values: str) -> ProjectSegment:
    included = {"user": {"id": [{"value": value} for value in values]}}
    data = json.dumps({"include": included})
    new = NewProjectSegment(f"seg_{slug}", slug, "L", "", data)
    return store.project_segments.create(project, new, ROOMY)


def _matched(found: EvaluableProject, value: str) -> set[str]:
    compiled = [segment.compiled for segment in found.segments.values()]
    outcomes = evaluate(compiled, {"user": {"id": value}}, resolve=found.resolve)
    return {outcome.segment_id for outcome in outcomes if outcome.matched}


def test_read__nothing_changed__is_the_same_object(store: Store, project: Project) -> None:
    _create(store, project, "a", "u1")
    projects = EvaluableProjects(10_000_000)
    assert projects.read(store, project) is projects.read(store, project)


def test_read__one_changed__compiles_that_one_alone(store: Store, project: Project) -> None:
    first = _create(store, project, "a", "u1")
    _create(store, project, "b", "u2")
    projects = EvaluableProjects(10_000_000)
    before = projects.read(store, project)
    names = [field.name for field in dataclasses.fields(ProjectSegmentChange)]
    same = {name: getattr(first, name) for name in names}
    change = ProjectSegmentChange(**{**same, "data": "{}"})
    store.project_segments.update(project, first, change, ROOMY)

    after = projects.read(store, project)

    assert after.segments["seg_b"] is before.segments["seg_b"]
    assert (_matched(before, "u1"), _matched(after, "u1")) == ({"seg_a"}, set())


@pytest.mark.parametrize("most_bytes", [0, 5_000, 50_000])
def test_read__over_the_bound__is_whole_and_kept_in_part(
    store: Store, project: Project, most_bytes: int
) -> None:
    for number in range(20):
        _create(store, project, f"s{number}", "u1", "x" * 200)
    projects = EvaluableProjects(most_bytes)
    first, second = projects.read(store, project), projects.read(store, project)

    assert len(_matched(first, "u1")) == len(_matched(second, "u1")) == 20
    same = [one for one in first.segments if first.segments[one] is second.segments[one]]
    kept = sum(first.segments[one].size_bytes for one in same)
    assert kept <= most_bytes // 2 < kept + 2 * first.segments["seg_s0"].size_bytes


def test_read__project_over_the_bound__leaves_others_their_room(
    store: Store, project: Project
) -> None:
    for number in range(10):
        _create(store, project, f"s{number}", "x" * 200)
    other = dataclasses.replace(project, created_ms=project.created_ms + 1)
    _create(store, other, "b", "u1")
    projects = EvaluableProjects(20_000)
    kept = projects.read(store, other)
    assert sum(one.size_bytes for one in projects.read(store, project).segments.values()) > 20_000
    assert projects.read(store, other) is kept


def test_read__several_projects__the_oldest_is_dropped(store: Store, project: Project) -> None:
    _create(store, project, "a", "x" * 1_000)
    other = dataclasses.replace(project, created_ms=project.created_ms + 1)
    _create(store, other, "b", "x" * 1_000)
    projects = EvaluableProjects(10_000)
    first, second = projects.read(store, project), projects.read(store, other)

    assert projects.read(store, other) is second
    assert projects.read(store, project) is not first


def test_evaluable__lists__are_those_of_its_record(store: Store, project: Project) -> None:
    segment = dataclasses.replace(
        _create(store, project, "a"), lists={"include/user/id": "list-1", "exclude/t/b": "list-2"}
    )
    found = make_evaluable(project, segment)
    assert found.lists[ListName("exclude", "t", "b")] == attached_list_ref("default", "list-2")
    assert [one.side for one in found.compiled.attachments] == ["exclude", "include"]


@pytest.mark.parametrize("data", ["{", "[1]", "null", '{"rules":[1]}', '{"include":{"a":7}}'])
def test_evaluable__data_that_cannot_be_read__is_an_error_of_its_segment(
    store: Store, project: Project, data: str
) -> None:
    segment = dataclasses.replace(_create(store, project, "a"), data=data)
    compiled = make_evaluable(project, segment).compiled
    (outcome,) = evaluate([compiled], {"user": {"id": "u1"}}, resolve=lambda _: None)
    assert (outcome.matched, outcome.reason) == (False, "error")
    assert "cannot be read" in str(outcome.error)


def test_answer__any_outcome__is_what_the_model_writes(store: Store, project: Project) -> None:
    segments = [make_evaluable(project, _create(store, project, slug)) for slug in ("a", "b", "c")]
    outcomes = [
        Outcome("seg_a", matched=True, reason="rule", rule_id="r \N{GRINNING FACE}"),
        Outcome("seg_b", matched=False, reason="error", error='no "answer"'),
        Outcome("seg_c", matched=False, reason="fallthrough"),
    ]
    body = write_outcomes(segments, outcomes)
    shown = EvaluationRepresentation.model_validate_json(body)
    assert json.loads(body) == shown.model_dump(by_alias=True)
    assert [one.slug for one in shown.data] == ["a", "b", "c"]
    assert [(one.slug, one.message) for one in shown.errors] == [("b", 'no "answer"')]
