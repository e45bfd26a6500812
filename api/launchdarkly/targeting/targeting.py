"""Whom a segment targets, and its words: the part of a definition that people edit.

Immutable values, read from JSON and written back to the same JSON: the order of every list
stays, repeated keys too.
Source: section 2.1 of the Segments API's documentation and the clients' models.
"""

import json
from collections.abc import Callable
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from api.bodies.faults import refusal
from api.bodies.json_values import JsonObject
from api.bodies.models import null_is, wire_names
from api.errors import InvalidRequest
from api.launchdarkly.targeting.fields import (
    DEFAULT_KIND,
    ContextKeys,
    ContextKind,
    Description,
    Ids,
    SegmentName,
    Tags,
    WireValue,
    naming,
    require_distinct,
)
from api.launchdarkly.targeting.rules import Rule

#: Keys in all lists of a standard segment together. Source: the product's documentation.
MOST_TARGETS: Final = 15_000
#: Entries of ``includedContexts`` and of ``excludedContexts``: one a kind is the normal case.
MOST_ENTRIES: Final = 1_000


class ContextTargets(WireValue):
    """Keys of one context kind."""

    context_kind: ContextKind = Field(default=DEFAULT_KIND, alias="contextKind")
    values: ContextKeys = ()

    def to_wire(self) -> JsonObject:
        """The targets as the API shows them."""
        return {"contextKind": self.context_kind, "values": list(self.values)}


def _with_values(entries: tuple[ContextTargets, ...]) -> tuple[ContextTargets, ...]:
    return tuple(one for one in entries if one.values)


#: An entry without keys targets nobody and is dropped. Source: Terraform's provider 2.x sends
#: as many empty ones before the real ones, and wants to read back the real ones alone.
ManyTargets = Annotated[
    tuple[ContextTargets, ...],
    Field(fail_fast=True, max_length=MOST_ENTRIES),
    null_is(()),
    AfterValidator(_with_values),
]


class Targeting(WireValue):
    """Whom a standard segment includes and excludes.

    ``included`` and ``excluded`` hold keys of kind ``user``; a key may be in both, where
    the included list wins. Nothing is said of segments that its rules refer to.
    """

    included: ContextKeys = ()
    excluded: ContextKeys = ()
    included_contexts: ManyTargets = Field(default=(), alias="includedContexts")
    excluded_contexts: ManyTargets = Field(default=(), alias="excludedContexts")
    rules: Annotated[tuple[Rule, ...], Field(fail_fast=True), null_is(())] = ()

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
        apart = (*self.included_contexts, *self.excluded_contexts)
        return len(self.included) + len(self.excluded) + sum(len(one.values) for one in apart)

    @property
    def is_empty(self) -> bool:
        """Whether every list is."""
        lists = (self.included, self.excluded, self.included_contexts, self.excluded_contexts)
        return not any(lists) and not self.rules

    def to_wire(self) -> JsonObject:
        """The fields as the API shows them; new lists at each call."""
        return {
            "included": list(self.included),
            "excluded": list(self.excluded),
            "includedContexts": [one.to_wire() for one in self.included_contexts],
            "excludedContexts": [one.to_wire() for one in self.excluded_contexts],
            "rules": [rule.to_wire() for rule in self.rules],
        }

    def encoded(self) -> str:
        """The fields as JSON, for the definition store; ``decoded`` reads it."""
        return json.dumps(self.to_wire(), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def decoded(cls, text: str | bytes) -> Self:
        """Read what ``encoded`` wrote. Cost: linear; every key is checked again.

        Raises:
            ValueError: it is something else.
        """
        return cls.model_validate(json.loads(text), by_alias=True, by_name=False)


class SegmentDocument(Targeting):
    """All of a segment that a patch can change."""

    name: SegmentName
    description: Description | None = None
    tags: Tags = ()

    @property
    def targeting(self) -> Targeting:
        """The part that definitions are stored apart from."""
        return Targeting(
            included=self.included,
            excluded=self.excluded,
            included_contexts=self.included_contexts,
            excluded_contexts=self.excluded_contexts,
            rules=self.rules,
        )

    def to_wire(self) -> JsonObject:
        """The fields as the API shows them; a description that was never given is left out."""
        words: JsonObject = {"name": self.name, "tags": list(self.tags)}
        if self.description is not None:
            words["description"] = self.description
        return words | super().to_wire()


def segment_document(
    fields: dict[str, Any],
    ids: Ids,
    refuse: Callable[[ValidationError], InvalidRequest] = refusal,
) -> SegmentDocument:
    """Read a segment as a client sent it or as the API shows it.

    Only what can be changed is looked at, so the rest of a representation may be there; null
    means absent; rules and clauses without an ``_id`` get one.

    Args:
        fields: the segment.
        ids: makes new ids.
        refuse: says what is wrong, for whoever knows more of where it came from.

    Raises:
        InvalidRequest: a field is wrong; says where, never the value.
    """
    wanted = {name: fields[name] for name in wire_names(SegmentDocument) if name in fields}
    try:
        return SegmentDocument.model_validate(
            wanted, context=naming(ids), by_alias=True, by_name=False
        )
    except ValidationError as exc:
        raise refuse(exc) from exc
