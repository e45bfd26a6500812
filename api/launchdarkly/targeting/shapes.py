"""Rules and targets as answers show them: the fields of stored targeting, for the document.

Typed dictionaries, because stored targeting is shown as it is and never made into models.
Source: the models ``UserSegmentRule``, ``Clause`` and ``SegmentTarget`` of LaunchDarkly's
Python client.
"""

from typing import Annotated, Any, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from api.bodies.models import Int32
from api.launchdarkly.targeting.fields import WHOLE_WEIGHT
from api.launchdarkly.targeting.rules import Operator


class UserSegmentClause(TypedDict):
    """One condition: an attribute of a context, compared with values."""

    _id: str
    attribute: str
    op: Operator
    values: list[Any]
    contextKind: str
    negate: bool


class UserSegmentRule(TypedDict):
    """Clauses that must all match, and the share of contexts that is then taken."""

    _id: str
    clauses: list[UserSegmentClause]
    rolloutContextKind: str
    weight: NotRequired[Annotated[Int32, Field(ge=0, le=WHOLE_WEIGHT)]]
    bucketBy: NotRequired[str]
    description: NotRequired[str]


class SegmentTarget(TypedDict):
    """Keys of one context kind."""

    contextKind: str
    values: list[str]
