"""A segment as it is evaluated: what every dialect's definition is turned into first.

These are plain values. Nothing here is checked beyond its type: a malformed attribute
reference or an unknown operator is a matter of evaluation, with defined results.

Source: LaunchDarkly's server-side segment data model (go-server-sdk-evaluation v3.0.1).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

#: The context kind that is meant where none is named.
DEFAULT_KIND: Final = "user"

#: Its values are keys of other segments.
SEGMENT_MATCH: Final = "segmentMatch"


@dataclass(frozen=True, slots=True)
class Target:
    """Context keys of one kind; an empty kind means user."""

    kind: str
    keys: Collection[str]


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition on an attribute, a kind, or the membership of other segments.

    Without a kind the attribute is a literal name of the user context; with one it is a
    reference: a name, or ``/`` and a path.
    """

    attribute: str
    op: str
    values: Sequence[object]
    negate: bool = False
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """Clauses that must all match, and the share of contexts that is let through.

    ``weight`` counts thousandths of a percent (0 to 100,000); ``None`` lets everyone through.
    """

    clauses: Sequence[Clause]
    weight: int | None = None
    rollout_context_kind: str | None = None
    bucket_by: str | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """All of a definition that matters to evaluation.

    ``included`` and ``excluded`` hold user keys; other kinds are in the two lists of targets.
    A segment is big if it is ``unbounded``: its lists are then elsewhere, its four collections
    of targets are ignored, and without a ``generation`` it has no members.
    """

    key: str
    salt: str = ""
    included: Collection[str] = ()
    excluded: Collection[str] = ()
    included_contexts: Sequence[Target] = ()
    excluded_contexts: Sequence[Target] = ()
    rules: Sequence[Rule] = ()
    unbounded: bool = False
    unbounded_context_kind: str | None = None
    generation: int | None = None
