"""Instructions on the clauses of a rule."""

from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import Field, ValidationError

from api.bodies.faults import refusal
from api.errors import InvalidRequest
from api.launchdarkly.segments.instructions.draft import Draft
from api.launchdarkly.segments.instructions.instruction import InstructionKind, Kinds, Parameters
from api.launchdarkly.targeting.rules import Clause


class NewClauses(Parameters):
    """Clauses to add at the end of a rule."""

    ruleId: str  # noqa: N815 - wire name
    clauses: Annotated[tuple[Clause, ...], Field(fail_fast=True)]


class SomeClauses(Parameters):
    """Clauses of a rule."""

    ruleId: str  # noqa: N815 - wire name
    clauseIds: Annotated[tuple[str, ...], Field(fail_fast=True)]  # noqa: N815 - wire name


class OneClause(Parameters):
    """A clause of a rule."""

    ruleId: str  # noqa: N815 - wire name
    clauseId: str  # noqa: N815 - wire name


class NewClause(OneClause):
    """What a clause is replaced with; it keeps its id unless the new one has its own."""

    clause: dict[str, Any]


class ClauseValues(OneClause):
    """Values of a clause. Source: documented as strings; other JSON is taken as well."""

    values: tuple[Any, ...]


def _change(
    draft: Draft, rule_id: str, change: Callable[[tuple[Clause, ...]], tuple[Clause, ...]]
) -> None:
    index = draft.rule_index(rule_id)
    rule = draft.rules[index]
    draft.spend(len(rule.clauses))
    clauses = change(rule.clauses)
    if len({clause.id for clause in clauses}) != len(clauses):
        raise InvalidRequest("two clauses of a rule would have one _id; leave it out")
    draft.rules[index] = rule.model_copy(update={"clauses": clauses})


def _change_one(draft: Draft, chosen: OneClause, change: Callable[[Clause], Clause]) -> None:
    def changed(clauses: tuple[Clause, ...]) -> tuple[Clause, ...]:
        if not any(clause.id == chosen.clauseId for clause in clauses):
            raise InvalidRequest(f"the rule has no clause {chosen.clauseId[:80]!r}")
        return tuple(change(one) if one.id == chosen.clauseId else one for one in clauses)

    _change(draft, chosen.ruleId, changed)


def _add(draft: Draft, new: NewClauses) -> None:
    _change(draft, new.ruleId, lambda clauses: (*clauses, *new.clauses))


def _remove(draft: Draft, gone: SomeClauses) -> None:
    ids = frozenset(gone.clauseIds)
    _change(draft, gone.ruleId, lambda all_: tuple(one for one in all_ if one.id not in ids))


def _replace(draft: Draft, new: NewClause) -> None:
    fields = new.clause if new.clause.get("_id") else {**new.clause, "_id": new.clauseId}
    try:
        clause = Clause.model_validate(fields, by_alias=True, by_name=False)
    except ValidationError as exc:
        raise refusal(exc, "clause") from exc
    _change_one(draft, new, lambda _: clause)


def _add_values(draft: Draft, new: ClauseValues) -> None:
    def more(clause: Clause) -> Clause:
        draft.spend(len(clause.values))
        seen = {draft.exact(value) for value in clause.values}
        fresh = {exact: value for value in new.values if (exact := draft.exact(value)) not in seen}
        return _with_values(clause, (*clause.values, *fresh.values()))

    _change_one(draft, new, more)


def _remove_values(draft: Draft, gone: ClauseValues) -> None:
    unwanted = {draft.exact(value) for value in gone.values}

    def fewer(clause: Clause) -> Clause:
        draft.spend(len(clause.values))
        left = tuple(value for value in clause.values if draft.exact(value) not in unwanted)
        return _with_values(clause, left)

    _change_one(draft, gone, fewer)


def _with_values(clause: Clause, values: tuple[Any, ...]) -> Clause:
    if clause.op == "segmentMatch" and not all(isinstance(value, str) for value in values):
        raise InvalidRequest("segmentMatch takes segment keys, which are strings")
    return clause.model_copy(update={"values": values})


KINDS: Final[Kinds] = {
    "addClauses": InstructionKind(NewClauses, _add, segments="standard"),
    "removeClauses": InstructionKind(SomeClauses, _remove, segments="standard"),
    "updateClause": InstructionKind(NewClause, _replace, segments="standard"),
    "addValuesToClause": InstructionKind(ClauseValues, _add_values, segments="standard"),
    "removeValuesFromClause": InstructionKind(ClauseValues, _remove_values, segments="standard"),
}
