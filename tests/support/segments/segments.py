"""Segments as GET shows them, and patches of them, for tests of the pure parts."""

import itertools
from typing import Any, Final

from api.launchdarkly.segments.apply_patch import PatchResult, apply_patch
from api.launchdarkly.segments.references import OtherSegments

SEMANTIC: Final = "application/json; domain-model=launchdarkly.semanticpatch"
UUID: Final = "00000000-0000-4000-8000-%012d"


class Ids:
    """Ids that say in which order they were made."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def __call__(self) -> str:
        return UUID % next(self._numbers)


def representation(**fields: Any) -> dict[str, Any]:
    """A standard segment without targets, or with the fields given."""
    return {
        "name": "Beta",
        "key": "beta",
        "tags": [],
        "creationDate": 1_700_000_000_000,
        "lastModifiedDate": 1_700_000_000_000,
        "version": 3,
        "generation": 1,
        "deleted": False,
        "rules": [],
        "included": [],
        "excluded": [],
        "includedContexts": [],
        "excludedContexts": [],
        "_links": {"self": {"href": "/api/v2/segments/p/e/beta", "type": "application/json"}},
    } | fields


def big_representation(**fields: Any) -> dict[str, Any]:
    """A big segment, which GET shows without most lists."""
    shown = representation(unbounded=True, unboundedContextKind="user", **fields)
    for name in ("excluded", "includedContexts", "excludedContexts"):
        del shown[name]
    return shown


def knows_all(_: str) -> bool:
    """A caller without bounds."""
    return True


#: Every other segment has no rules.
NO_OTHERS: Final = OtherSegments(lambda _: (), knows_all)


def patched(
    body: object, shown: dict[str, Any] | None = None, content_type: str = "application/json"
) -> PatchResult:
    """What a patch makes of a segment."""
    shown = representation() if shown is None else shown
    return apply_patch(
        shown,
        body,
        content_type,
        environment="production",
        ids=Ids(),
        others=NO_OTHERS,
    )


def instructed(*instructions: Any, shown: dict[str, Any] | None = None) -> PatchResult:
    """What a semantic patch makes of a segment."""
    return patched({"instructions": list(instructions)}, shown, SEMANTIC)


def clause(**fields: Any) -> dict[str, Any]:
    """A clause as GET shows it."""
    return {
        "_id": "clause-1",
        "attribute": "email",
        "op": "in",
        "values": ["a@example.com"],
        "contextKind": "user",
        "negate": False,
    } | fields


def rule(rule_id: str = "rule-1", **fields: Any) -> dict[str, Any]:
    """A rule as GET shows it."""
    return {"_id": rule_id, "clauses": [clause()], "rolloutContextKind": "user"} | fields
