"""The steps of an evaluation: read the request, look up the lists, decide for each segment."""

from collections.abc import Mapping
from dataclasses import dataclass

from api.access.scope import AccessScope
from api.errors import Forbidden, NotFound
from api.evaluation import Effort
from api.evaluations.answers import Evaluated
from api.lookups.list_lookups import Answer
from api.vercel.evaluation import Lookup, Outcome, evaluate, lookups
from api.vercel.evaluations.models import EvaluationBody, read_evaluation, write_outcomes
from api.vercel.evaluations.projects import EvaluableProject, EvaluableProjects, EvaluableSegment
from api.vercel.wire.list_names import ListName
from worker.context_keys import fault_of
from worker.store import ListRef, Membership, Project, Store


@dataclass(frozen=True, slots=True)
class Question:
    """Entities, the segments that are asked for, and the look-ups that are needed first."""

    body: EvaluationBody
    project: EvaluableProject
    segments: tuple[EvaluableSegment, ...]
    lookups: tuple[tuple[Lookup, ListRef], ...]

    @property
    def asked(self) -> Mapping[ListRef, str]:
        """Each list with the value that it is asked for, of those that a list can hold."""
        return {ref: lookup.value for lookup, ref in self.lookups if _is_storable(lookup.value)}


def read_question(
    projects: EvaluableProjects, store: Store, project: Project, raw: bytes, seen: AccessScope
) -> Question:
    """Read a request's body and the segments of its project.

    Args:
        projects: what was compiled before.
        store: the store.
        project: that the path names.
        raw: the body.
        seen: what the caller may see.

    Raises:
        InvalidRequest: the body has another form.
        NotFound: there is no segment of a name.
        Forbidden: a segment is out of the caller's scope.
    """
    body = read_evaluation(raw)
    evaluable = projects.read(store, project)
    segments = _select(evaluable, project, body, seen)
    compiled = [segment.compiled for segment in segments]
    needed = lookups(compiled, body.entities, evaluable.resolve)
    return Question(body, evaluable, segments, tuple(_address(evaluable, needed)))


def evaluate_all(question: Question, lists: Mapping[ListRef, Answer], effort: Effort) -> Evaluated:
    """Evaluate each segment that was asked for.

    Args:
        question: the entities and the segments.
        lists: the answers of the lists; one that gave none is an error of its segment.
        effort: what it may cost.

    Raises:
        HeavyEvaluation: it costs more than a light effort.
    """
    is_member = {
        lookup.list_name: _membership(lookup, lists.get(ref)) for lookup, ref in question.lookups
    }
    outcomes = evaluate(
        [segment.compiled for segment in question.segments],
        question.body.entities,
        resolve=question.project.resolve,
        seed=question.body.seed or 0,
        effort=effort,
        is_member=is_member,
    )
    body = write_outcomes(question.segments, outcomes)
    errors = _errors(outcomes)
    return Evaluated(body, len(errors), errors[0] if errors else None)


def _select(
    evaluable: EvaluableProject, project: Project, body: EvaluationBody, seen: AccessScope
) -> tuple[EvaluableSegment, ...]:
    """The segments that are asked for; without names, all that the caller may see."""
    every = evaluable.segments
    if body.segments is None:
        return tuple(one for one in every.values() if seen.allows(project.key, None, one.slug))
    by_slug = {segment.slug: segment for segment in every.values()}
    found: dict[str, EvaluableSegment] = {}
    for name in body.segments:
        segment = every.get(name) or by_slug.get(name)
        if not seen.allows(project.key, None, name if segment is None else segment.slug):
            raise Forbidden
        if segment is None:
            raise NotFound(f"project {project.key} has no segment {name[:512]}")
        found[segment.id] = segment
    return tuple(found.values())


def _address(evaluable: EvaluableProject, needed: list[Lookup]) -> list[tuple[Lookup, ListRef]]:
    return [
        (lookup, evaluable.segments[lookup.segment_id].lists[_name_of(lookup)]) for lookup in needed
    ]


def _name_of(lookup: Lookup) -> ListName:
    return ListName(lookup.side, lookup.kind, lookup.attribute)


def _is_storable(value: str) -> bool:
    """Whether an import takes such a value; no list holds another."""
    return fault_of(value) is None


def _membership(lookup: Lookup, answer: Answer | None) -> bool | None:
    """Whether the list holds the value; ``None``: nobody knows."""
    if not _is_storable(lookup.value):
        return False
    return answer.included if isinstance(answer, Membership) else None


def _errors(outcomes: list[Outcome]) -> list[str]:
    return [outcome.error for outcome in outcomes if outcome.error is not None]
