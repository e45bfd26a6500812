"""Segments in the JSON form that SDKs read, turned into what is evaluated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.evaluation import Clause, Rule, Segment, Target

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Lists:
    """What a big segment's lists say of one key."""

    included: bool = False
    excluded: bool = False


def segment_of(document: Document) -> Segment:
    return Segment(
        key=document["key"],
        salt=document.get("salt", ""),
        included=document.get("included", ()),
        excluded=document.get("excluded", ()),
        included_contexts=_targets(document.get("includedContexts", ())),
        excluded_contexts=_targets(document.get("excludedContexts", ())),
        rules=[_rule(rule) for rule in document.get("rules", ())],
        unbounded=document.get("unbounded", False),
        unbounded_context_kind=document.get("unboundedContextKind"),
        generation=document.get("generation"),
    )


def _targets(documents: Sequence[Document]) -> list[Target]:
    return [Target(one.get("contextKind", ""), one["values"]) for one in documents]


def _rule(document: Document) -> Rule:
    return Rule(
        clauses=[clause_of(clause) for clause in document["clauses"]],
        weight=document.get("weight"),
        rollout_context_kind=document.get("rolloutContextKind"),
        bucket_by=document.get("bucketBy"),
    )


def clause_of(document: Document) -> Clause:
    return Clause(
        attribute=document["attribute"],
        op=document["op"],
        values=document["values"],
        negate=document.get("negate", False),
        kind=document.get("contextKind"),
    )
