"""The data of a segment as it comes over the wire: rules, included and excluded values.

Read whole: every form that is not Vercel's is refused with its place. Unknown keys are dropped,
as Vercel's client does in both directions. Absent parts stay absent, ``list/inline`` stays as it
is, and a number keeps its type.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    PlainValidator,
    StrictBool,
    StrictStr,
    Tag,
)

from api.bodies.documented import DocumentedAs
from api.bodies.json_values import JsonObject
from api.vercel.segments.entries import WHOLE, read_items, read_scalar, read_share, read_targets
from api.vercel.wire.names import require_name
from api.vercel.wire.parts import Part

#: Only one fault is answered; collecting two hundred thousand takes a second, in which other
#: requests wait.
_FIRST_FAULT: Final = Field(fail_fast=True)

Comparator = Literal[
    "eq",
    "!eq",
    "oneOf",
    "!oneOf",
    "containsAllOf",
    "containsAnyOf",
    "containsNoneOf",
    "startsWith",
    "!startsWith",
    "endsWith",
    "!endsWith",
    "contains",
    "!contains",
    "ex",
    "!ex",
    "gt",
    "gte",
    "lt",
    "lte",
    "regex",
    "!regex",
    "before",
    "after",
]

#: What a tag of a union begins with, which is no part of a place in a body.
UNION: Final = "<"


def _tag_of_object(value: Any) -> str:  # noqa: ANN401 - any JSON
    if isinstance(value, Part):  # as pydantic asks when it writes
        return f"{UNION}{getattr(value, 'type', None)}>"
    return f"{UNION}{value.get('type')}>" if isinstance(value, dict) else UNION


def _tag_of_rhs(value: Any) -> str:  # noqa: ANN401 - same
    if isinstance(value, str | bool | int | float):
        return f"{UNION}scalar>"
    tag = _tag_of_object(value)
    return f"{UNION}list>" if tag == f"{UNION}list/inline>" else tag


Name = Annotated[StrictStr, AfterValidator(require_name)]


class ListItem(Part):
    """A value of a list, and what people call it."""

    value: str | float
    label: str = ""
    note: str = ""


class Target(Part):
    """A value that is included or excluded, and why."""

    value: str
    note: str = ""


class ListValue(Part):
    """Several values to compare with; ``list/inline`` is an older name of the same."""

    type: Literal["list", "list/inline"]
    items: Annotated[list[JsonObject], PlainValidator(read_items), DocumentedAs(list[ListItem])]


class Expression(Part):
    """A regular expression of JavaScript."""

    type: Literal["regex"]
    pattern: StrictStr
    flags: StrictStr


class EntityAttribute(Part):
    """An attribute of an entity."""

    type: Literal["entity"]
    kind: Name
    attribute: Name


class InSegment(Part):
    """Whether the entities are in other segments."""

    type: Literal["segment"]


class ConditionOptions(Part):
    """How a condition compares."""

    ignore_case: StrictBool | None = None


Lhs = Annotated[
    Annotated[EntityAttribute, Tag("<entity>")] | Annotated[InSegment, Tag("<segment>")],
    Discriminator(
        _tag_of_object,
        custom_error_type="lhs",
        custom_error_message="must be an object of the type entity or segment",
    ),
]
Scalar = Annotated[
    str | bool | int | float, PlainValidator(read_scalar), DocumentedAs(str | float | bool)
]
Rhs = Annotated[
    Annotated[Scalar, Tag("<scalar>")]
    | Annotated[ListValue, Tag("<list>")]
    | Annotated[Expression, Tag("<regex>")],
    Discriminator(
        _tag_of_rhs,
        custom_error_type="rhs",
        custom_error_message="must be a text, a number, a boolean, or an object of the type list, "
        "list/inline or regex",
    ),
]


class Condition(Part):
    """One comparison."""

    lhs: Lhs
    cmp: Comparator
    rhs: Rhs | None = None
    cmp_options: ConditionOptions | None = None


class All(Part):
    """All entities that meet the conditions."""

    type: Literal["all"]


class Split(Part):
    """A share of the entities that meet the conditions."""

    type: Literal["split"]
    base: EntityAttribute
    pass_promille: Annotated[
        float, PlainValidator(read_share), DocumentedAs(Annotated[float, Field(ge=0, le=WHOLE)])
    ]


Outcome = Annotated[
    Annotated[All, Tag("<all>")] | Annotated[Split, Tag("<split>")],
    Discriminator(
        _tag_of_object,
        custom_error_type="outcome",
        custom_error_message="must be an object of the type all or split",
    ),
]


class Rule(Part):
    """Conditions that must all hold, and what follows."""

    id: StrictStr
    conditions: Annotated[list[Condition], _FIRST_FAULT]
    outcome: Outcome


Targets = dict[
    Name,
    dict[
        Name,
        Annotated[list[JsonObject], PlainValidator(read_targets), DocumentedAs(list[Target])],
    ],
]
"""Values by kind of entity and by attribute."""


class SegmentData(Part):
    """Who is in a segment."""

    rules: Annotated[list[Rule] | None, _FIRST_FAULT] = None
    include: Targets | None = None
    exclude: Targets | None = None

    def to_wire(self) -> JsonObject:
        """Give it as plain JSON, absent parts left out."""
        parts: JsonObject = {}
        if self.rules is not None:
            parts["rules"] = [
                rule.model_dump(by_alias=True, exclude_none=True) for rule in self.rules
            ]
        if self.include is not None:
            parts["include"] = self.include
        if self.exclude is not None:
            parts["exclude"] = self.exclude
        return parts
