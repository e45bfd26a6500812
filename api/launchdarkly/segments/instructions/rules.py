"""Instructions on the rules of a standard segment."""

import re
from typing import Annotated, Final

from pydantic import BeforeValidator, Field

from api.bodies.models import blank_is
from api.errors import InvalidRequest
from api.launchdarkly.segments.instructions.draft import Draft
from api.launchdarkly.segments.instructions.instruction import InstructionKind, Kinds, Parameters
from api.launchdarkly.targeting.fields import DEFAULT_KIND, ContextKind, KindName, ServerId, Weight
from api.launchdarkly.targeting.rules import Clause, Rule

_DIGITS: Final = re.compile(r"[0-9]{1,6}")


def _number(value: object) -> object:
    """Take a weight written as a string, as the documentation's own example has it."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    return value


AnyWeight = Annotated[Weight, BeforeValidator(_number)]


class NewRule(Parameters):
    """A rule to add, at the end unless it is said before which."""

    id: ServerId = Field(default="", alias="_id", validate_default=True)
    clauses: Annotated[tuple[Clause, ...], Field(fail_fast=True)] = ()
    description: str | None = None
    weight: AnyWeight | None = None
    rolloutContextKind: ContextKind = DEFAULT_KIND  # noqa: N815 - wire name
    bucketBy: str | None = None  # noqa: N815 - wire name
    beforeRuleId: Annotated[str | None, blank_is(None)] = None  # noqa: N815 - wire name


class OneRule(Parameters):
    """A rule."""

    ruleId: str  # noqa: N815 - wire name


class Order(Parameters):
    """All rules in their new order."""

    ruleIds: Annotated[tuple[str, ...], Field(fail_fast=True)]  # noqa: N815 - wire name


class RuleDescription(OneRule):
    """What a rule is for; null takes the description away."""

    description: str | None


class Rollout(OneRule):
    """The share that a rule takes; the kind stays unless it is said."""

    weight: AnyWeight
    contextKind: Annotated[KindName | None, blank_is(None)] = None  # noqa: N815 - wire name


def _add(draft: Draft, new: NewRule) -> None:
    draft.spend(len(draft.rules))
    if any(rule.id == new.id for rule in draft.rules):
        raise InvalidRequest("a rule has this _id already; leave it out")
    at = len(draft.rules) if new.beforeRuleId is None else draft.rule_index(new.beforeRuleId)
    rule = Rule(
        id=new.id,
        clauses=new.clauses,
        weight=new.weight,
        rollout_context_kind=new.rolloutContextKind,
        bucket_by=new.bucketBy,
        description=new.description,
    )
    draft.rules.insert(at, rule)


def _remove(draft: Draft, gone: OneRule) -> None:
    draft.spend(len(draft.rules))
    draft.rules = [rule for rule in draft.rules if rule.id != gone.ruleId]


def _reorder(draft: Draft, order: Order) -> None:
    draft.spend(len(draft.rules))
    by_id = {rule.id: rule for rule in draft.rules}
    if len(order.ruleIds) != len(by_id) or set(order.ruleIds) != by_id.keys():
        raise InvalidRequest("ruleIds must name every rule of the segment once, and no other")
    draft.rules = [by_id[rule_id] for rule_id in order.ruleIds]


def _describe(draft: Draft, new: RuleDescription) -> None:
    index = draft.rule_index(new.ruleId)
    draft.rules[index] = draft.rules[index].model_copy(update={"description": new.description})


def _roll_out(draft: Draft, new: Rollout) -> None:
    index = draft.rule_index(new.ruleId)
    rule = draft.rules[index]
    kind = new.contextKind or rule.rollout_context_kind
    update = {"weight": new.weight, "rollout_context_kind": kind}
    draft.rules[index] = rule.model_copy(update=update)


KINDS: Final[Kinds] = {
    "addRule": InstructionKind(NewRule, _add, segments="standard"),
    # Source: the documentation; a rule that is not there is as good as removed.
    "removeRule": InstructionKind(OneRule, _remove, segments="standard"),
    "reorderRules": InstructionKind(Order, _reorder, segments="standard"),
    "updateRuleDescription": InstructionKind(RuleDescription, _describe, segments="standard"),
    "updateRuleRolloutAndContextKind": InstructionKind(Rollout, _roll_out, segments="standard"),
}
