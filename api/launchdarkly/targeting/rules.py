"""Rules and clauses as values: read from JSON, written back to the same JSON.

The order of clauses and values stays, and so does the type of each value (1 is not 1.0,
"1" or true). Whether a clause matches is not decided here.
Source: section 2.2 of the Segments API's documentation and the clients' models; "observed"
marks what LaunchDarkly answers beyond them.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from api.bodies.json_values import JsonObject
from api.bodies.models import Flag, blank_is
from api.launchdarkly.targeting.fields import (
    DEFAULT_KIND,
    ContextKind,
    ServerId,
    Weight,
    WireValue,
    require_distinct,
)

#: All of them, in LaunchDarkly's spelling. Source: the SDKs and Terraform's provider.
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
    context_kind: ContextKind = Field(default=DEFAULT_KIND, alias="contextKind")

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
        """The clause as the API shows it."""
        return {
            "_id": self.id,
            "attribute": self.attribute,
            "op": self.op,
            "values": list(self.values),
            "contextKind": self.context_kind,
            "negate": self.negate,
        }


class Rule(WireValue):
    """Clauses that must all match, and the share of contexts that is then taken."""

    id: ServerId = Field(default="", alias="_id", validate_default=True)
    clauses: Annotated[tuple[Clause, ...], Field(fail_fast=True)]
    weight: Weight | None = None
    """Thousandths of a percent; ``None`` takes every context, 0 takes none."""
    rollout_context_kind: ContextKind = Field(default=DEFAULT_KIND, alias="rolloutContextKind")
    bucket_by: Annotated[str | None, blank_is(None)] = Field(default=None, alias="bucketBy")
    description: str | None = None

    @model_validator(mode="after")
    def _clauses_are_told_apart(self) -> Self:
        require_distinct((clause.id for clause in self.clauses), "clauses of a rule")
        return self

    def to_wire(self) -> JsonObject:
        """The rule as the API shows it.

        Observed: ``rolloutContextKind`` is there even without a rollout, and ``weight`` is
        not: 0 would switch the rule off.
        """
        shown: JsonObject = {
            "_id": self.id,
            "clauses": [clause.to_wire() for clause in self.clauses],
            "rolloutContextKind": self.rollout_context_kind,
        }
        optional = {
            "weight": self.weight,
            "bucketBy": self.bucket_by,
            "description": self.description,
        }
        return shown | {name: value for name, value in optional.items() if value is not None}
