"""Instructions on the rules of a standard segment and on their clauses."""

import re
from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, ValidationError

from api.bodies.faults import refusal
from api.bodies.models import blank_is
from api.errors import InvalidRequest
from api.launchdarkly.segments.instructions.draft import Draft
from api.launchdarkly.segments.instructions.instruction import InstructionKind, Kinds, Parameters
from api.launchdarkly.targeting.fields import DEFAULT_KIND, ContextKind, KindName, ServerId, Weight
from api.launchdarkly.targeting.values import Clause, Rule

_DIGITS: Final = re.compile(r"[0-9]{1,6}")


def _parse_number(value: object) -> object:
    """Accept a weight written as a string, as in the documentation's own example."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    return value


AnyWeight = Annotated[Weight, BeforeValidator(_parse_number)]


class NewRule(Parameters):
    """A rule to add, at the end unless ``beforeRuleId`` names a rule."""

    id: ServerId = Field(default="", alias="_id", validate_default=True)
    clauses: Annotated[tuple[Clause, ...], Field(fail_fast=True)] = ()
    description: str | None = None
    weight: AnyWeight | None = None
    rollout_context_kind: ContextKind = DEFAULT_KIND
    bucket_by: str | None = None
    before_rule_id: Annotated[str | None, blank_is(None)] = None


class OneRule(Parameters):
    """A rule."""

    rule_id: str


class Order(Parameters):
    """All rules in their new order."""

    rule_ids: Annotated[tuple[str, ...], Field(fail_fast=True)]


class RuleDescription(OneRule):
    """A new description of a rule; null removes the description."""

    description: str | None


class Rollout(OneRule):
    """The share of contexts that a rule includes; without a kind, the kind stays."""

    weight: AnyWeight
    context_kind: Annotated[KindName | None, blank_is(None)] = None


class NewClauses(OneRule):
    """Clauses to add at the end of a rule."""

    clauses: Annotated[tuple[Clause, ...], Field(fail_fast=True)]


class SomeClauses(OneRule):
    """Clauses of a rule."""

    clause_ids: Annotated[tuple[str, ...], Field(fail_fast=True)]


class OneClause(OneRule):
    """A clause of a rule."""

    clause_id: str


class NewClause(OneClause):
    """The replacement of a clause; it keeps the id unless it has its own."""

    clause: dict[str, Any]


class ClauseValues(OneClause):
    """Values of a clause. Source: documented as strings; other JSON is accepted as well."""

    values: tuple[Any, ...]


def _add_rule(draft: Draft, new: NewRule) -> None:
    draft.spend(len(draft.rules))
    if any(rule.id == new.id for rule in draft.rules):
        raise InvalidRequest("a rule has this _id already; leave it out")
    at = len(draft.rules) if new.before_rule_id is None else draft.find_rule(new.before_rule_id)
    rule = Rule(
        id=new.id,
        clauses=new.clauses,
        weight=new.weight,
        rollout_context_kind=new.rollout_context_kind,
        bucket_by=new.bucket_by,
        description=new.description,
    )
    draft.rules.insert(at, rule)


def _remove_rule(draft: Draft, removed: OneRule) -> None:
    draft.spend(len(draft.rules))
    draft.rules = [rule for rule in draft.rules if rule.id != removed.rule_id]


def _reorder_rules(draft: Draft, order: Order) -> None:
    draft.spend(len(draft.rules))
    by_id = {rule.id: rule for rule in draft.rules}
    if len(order.rule_ids) != len(by_id) or set(order.rule_ids) != by_id.keys():
        raise InvalidRequest("ruleIds must name every rule of the segment once, and no other")
    draft.rules = [by_id[rule_id] for rule_id in order.rule_ids]


def _describe_rule(draft: Draft, new: RuleDescription) -> None:
    index = draft.find_rule(new.rule_id)
    draft.rules[index] = draft.rules[index].model_copy(update={"description": new.description})


def _roll_out_rule(draft: Draft, new: Rollout) -> None:
    index = draft.find_rule(new.rule_id)
    rule = draft.rules[index]
    kind = new.context_kind or rule.rollout_context_kind
    update = {"weight": new.weight, "rollout_context_kind": kind}
    draft.rules[index] = rule.model_copy(update=update)


def _change_clauses(
    draft: Draft, rule_id: str, change: Callable[[tuple[Clause, ...]], tuple[Clause, ...]]
) -> None:
    index = draft.find_rule(rule_id)
    rule = draft.rules[index]
    draft.spend(len(rule.clauses))
    clauses = change(rule.clauses)
    if len({clause.id for clause in clauses}) != len(clauses):
        raise InvalidRequest("two clauses of a rule would have one _id; leave it out")
    draft.rules[index] = rule.model_copy(update={"clauses": clauses})


def _change_clause(draft: Draft, named: OneClause, change: Callable[[Clause], Clause]) -> None:
    def change_named(clauses: tuple[Clause, ...]) -> tuple[Clause, ...]:
        if not any(clause.id == named.clause_id for clause in clauses):
            raise InvalidRequest(f"the rule has no clause {named.clause_id[:80]!r}")
        return tuple(
            change(clause) if clause.id == named.clause_id else clause for clause in clauses
        )

    _change_clauses(draft, named.rule_id, change_named)


def _add_clauses(draft: Draft, new: NewClauses) -> None:
    _change_clauses(draft, new.rule_id, lambda clauses: (*clauses, *new.clauses))


def _remove_clauses(draft: Draft, removed: SomeClauses) -> None:
    ids = frozenset(removed.clause_ids)
    _change_clauses(
        draft,
        removed.rule_id,
        lambda clauses: tuple(clause for clause in clauses if clause.id not in ids),
    )


def _replace_clause(draft: Draft, new: NewClause) -> None:
    fields = new.clause if new.clause.get("_id") else {**new.clause, "_id": new.clause_id}
    try:
        clause = Clause.model_validate(fields, by_alias=True, by_name=False)
    except ValidationError as exc:
        raise refusal(exc, "clause") from exc
    _change_clause(draft, new, lambda _: clause)


def _add_values(draft: Draft, new: ClauseValues) -> None:
    def extend(clause: Clause) -> Clause:
        draft.spend(len(clause.values))
        seen = {draft.exact(value) for value in clause.values}
        fresh = {exact: value for value in new.values if (exact := draft.exact(value)) not in seen}
        return _with_values(clause, (*clause.values, *fresh.values()))

    _change_clause(draft, new, extend)


def _remove_values(draft: Draft, removed: ClauseValues) -> None:
    unwanted = {draft.exact(value) for value in removed.values}

    def reduce(clause: Clause) -> Clause:
        draft.spend(len(clause.values))
        left = tuple(value for value in clause.values if draft.exact(value) not in unwanted)
        return _with_values(clause, left)

    _change_clause(draft, removed, reduce)


def _with_values(clause: Clause, values: tuple[Any, ...]) -> Clause:
    if clause.op == "segmentMatch" and not all(isinstance(value, str) for value in values):
        raise InvalidRequest("segmentMatch takes segment keys, which are strings")
    return clause.model_copy(update={"values": values})


KINDS: Final[Kinds] = {
    "addRule": InstructionKind(NewRule, _add_rule, segments="standard"),
    # Source: the documentation; a rule that does not exist counts as removed.
    "removeRule": InstructionKind(OneRule, _remove_rule, segments="standard"),
    "reorderRules": InstructionKind(Order, _reorder_rules, segments="standard"),
    "updateRuleDescription": InstructionKind(RuleDescription, _describe_rule, segments="standard"),
    "updateRuleRolloutAndContextKind": InstructionKind(
        Rollout, _roll_out_rule, segments="standard"
    ),
    "addClauses": InstructionKind(NewClauses, _add_clauses, segments="standard"),
    "removeClauses": InstructionKind(SomeClauses, _remove_clauses, segments="standard"),
    "updateClause": InstructionKind(NewClause, _replace_clause, segments="standard"),
    "addValuesToClause": InstructionKind(ClauseValues, _add_values, segments="standard"),
    "removeValuesFromClause": InstructionKind(ClauseValues, _remove_values, segments="standard"),
}
