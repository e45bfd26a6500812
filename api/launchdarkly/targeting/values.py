"""What a patch can change in a segment, as checked values: names, targets, rules and clauses.

Immutable, and read from JSON without loss: writing gives the same order of every list, the same
repeated keys, and the same type of each clause's value (1 is not 1.0, "1" or true).
Source: sections 2.1 and 2.2 of the Segments API's documentation and the clients' models;
"observed" marks what LaunchDarkly answers beyond them.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from api.bodies.faults import refusal
from api.bodies.json_values import JsonObject
from api.bodies.models import Flag, blank_is, null_is, wire_names
from api.errors import InvalidRequest
from api.launchdarkly.targeting.fields import (
    DEFAULT_KIND,
    ContextKeys,
    ContextKind,
    Description,
    Ids,
    SegmentName,
    ServerId,
    Tags,
    Weight,
    WireValue,
    new_id_context,
    require_distinct,
)

#: Keys in all lists of a standard segment together. Source: the product's documentation.
MOST_TARGETS: Final = 15_000
#: Entries of ``includedContexts`` and of ``excludedContexts``; one per kind is the normal case.
MOST_ENTRIES: Final = 1_000

#: All operators, in LaunchDarkly's spelling. Source: the SDKs and Terraform's provider.
Operator = Literal[
    "in",
    "endsWith",
    "startsWith",
    "matches",
    "contains",
    "lessThan",
    "lessThanOrEqual",
    "greaterThan",
    "greaterThanOrEqual",
    "before",
    "after",
    "segmentMatch",
    "semVerEqual",
    "semVerLessThan",
    "semVerGreaterThan",
]


class Clause(WireValue):
    """One condition: an attribute of a context of a kind, compared with values."""

    id: ServerId = Field(default="", alias="_id", validate_default=True)
    attribute: str
    op: Operator
    values: tuple[Any, ...]
    negate: Flag = False
    context_kind: ContextKind = DEFAULT_KIND

    @model_validator(mode="after")
    def _fits_its_operator(self) -> Self:
        if self.op == "segmentMatch":
            if not all(isinstance(value, str) for value in self.values):
                message = "segmentMatch takes segment keys, which are strings"
                raise ValueError(message)
        elif not self.attribute:
            message = "attribute is empty; only segmentMatch needs none"
            raise ValueError(message)
        return self

    def to_wire(self) -> JsonObject:
        """The clause as JSON."""
        return {
            "_id": self.id,
            "attribute": self.attribute,
            "op": self.op,
            "values": list(self.values),
            "contextKind": self.context_kind,
            "negate": self.negate,
        }


class Rule(WireValue):
    """Clauses that must all match, and the share of the matching contexts that is included."""

    id: ServerId = Field(default="", alias="_id", validate_default=True)
    clauses: Annotated[tuple[Clause, ...], Field(fail_fast=True)]
    weight: Weight | None = None
    """Thousandths of a percent; ``None`` includes every context, 0 none."""
    rollout_context_kind: ContextKind = DEFAULT_KIND
    bucket_by: Annotated[str | None, blank_is(None)] = None
    description: str | None = None

    @model_validator(mode="after")
    def _has_distinct_clauses(self) -> Self:
        require_distinct((clause.id for clause in self.clauses), "clauses of a rule")
        return self

    def to_wire(self) -> JsonObject:
        """The rule as JSON.

        Observed: ``rolloutContextKind`` is there even without a rollout, and ``weight`` is
        not: 0 would switch the rule off.
        """
        fields: JsonObject = {
            "_id": self.id,
            "clauses": [clause.to_wire() for clause in self.clauses],
            "rolloutContextKind": self.rollout_context_kind,
        }
        optional = {
            "weight": self.weight,
            "bucketBy": self.bucket_by,
            "description": self.description,
        }
        return fields | {name: value for name, value in optional.items() if value is not None}


class ContextTargets(WireValue):
    """Targets of one context kind: their keys."""

    context_kind: ContextKind = DEFAULT_KIND
    values: ContextKeys = ()

    def to_wire(self) -> JsonObject:
        """The targets as JSON."""
        return {"contextKind": self.context_kind, "values": list(self.values)}


def _drop_empty(entries: tuple[ContextTargets, ...]) -> tuple[ContextTargets, ...]:
    return tuple(entry for entry in entries if entry.values)


#: An entry without keys targets nobody and is dropped. Source: Terraform's provider 2.x sends as
#: many empty entries before the real ones, and expects to read back only the real ones.
ManyTargets = Annotated[
    tuple[ContextTargets, ...],
    Field(fail_fast=True, max_length=MOST_ENTRIES),
    null_is(()),
    AfterValidator(_drop_empty),
]


class SegmentDocument(WireValue):
    """Everything in a segment that a patch can change.

    ``included`` and ``excluded`` hold keys of kind ``user``; a key may be in both, where
    the included list wins. The segments that its rules refer to need not exist.
    """

    included: ContextKeys = ()
    excluded: ContextKeys = ()
    included_contexts: ManyTargets = ()
    excluded_contexts: ManyTargets = ()
    rules: Annotated[tuple[Rule, ...], Field(fail_fast=True), null_is(())] = ()
    name: SegmentName
    description: Description | None = None
    tags: Tags = ()

    @model_validator(mode="after")
    def _within_bounds(self) -> Self:
        require_distinct((rule.id for rule in self.rules), "rules")
        if self.target_count > MOST_TARGETS:
            message = (
                f"{self.target_count:,} targets; a standard segment takes at most "
                f"{MOST_TARGETS:,}, a big segment any number"
            )
            raise ValueError(message)
        return self

    @property
    def target_count(self) -> int:
        """Keys in all lists; one that is listed twice counts twice."""
        entries = (*self.included_contexts, *self.excluded_contexts)
        return len(self.included) + len(self.excluded) + sum(len(entry.values) for entry in entries)

    @property
    def has_targeting(self) -> bool:
        """Whether it has any target or rule."""
        lists = (self.included, self.excluded, self.included_contexts, self.excluded_contexts)
        return any(lists) or bool(self.rules)

    def targeting_to_wire(self) -> JsonObject:
        """The targets and rules as JSON; new lists at each call."""
        return {
            "included": list(self.included),
            "excluded": list(self.excluded),
            "includedContexts": [entry.to_wire() for entry in self.included_contexts],
            "excludedContexts": [entry.to_wire() for entry in self.excluded_contexts],
            "rules": [rule.to_wire() for rule in self.rules],
        }

    def to_wire(self) -> JsonObject:
        """All fields as JSON; a description that was never set is left out."""
        about: JsonObject = {"name": self.name, "tags": list(self.tags)}
        if self.description is not None:
            about["description"] = self.description
        return about | self.targeting_to_wire()


def parse_document(
    fields: JsonObject,
    ids: Ids,
    refuse: Callable[[ValidationError], InvalidRequest] = refusal,
) -> SegmentDocument:
    """Read a segment from a request's JSON or from its representation.

    Fields that cannot be changed are ignored; null means absent; rules and clauses without
    an ``_id`` get one.

    Args:
        fields: the segment.
        ids: makes new ids.
        refuse: makes the refusal, for a caller that knows where the fields came from.

    Raises:
        InvalidRequest: a field is wrong; says where, never the value.
    """
    wanted = {name: fields[name] for name in wire_names(SegmentDocument) if name in fields}
    try:
        return SegmentDocument.model_validate(
            wanted, context=new_id_context(ids), by_alias=True, by_name=False
        )
    except ValidationError as exc:
        raise refuse(exc) from exc
