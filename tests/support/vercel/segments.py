"""Segments of Vercel's dialect for tests: bodies that hold every form, and created ones."""

import secrets
from typing import Any, Final

import httpx

from tests.support.servers.vercel import SEGMENTS

COMPARATORS: Final = (
    *("eq", "!eq", "oneOf", "!oneOf", "containsAllOf", "containsAnyOf", "containsNoneOf"),
    *("startsWith", "!startsWith", "endsWith", "!endsWith", "contains", "!contains", "ex", "!ex"),
    *("gt", "gte", "lt", "lte", "regex", "!regex", "before", "after"),
)
EMAIL: Final = {"type": "entity", "kind": "user", "attribute": "email"}
ALL: Final = {"type": "all"}
SPLIT: Final = {"type": "split", "base": EMAIL, "passPromille": 12_345}
LIST: Final = {
    "type": "list",
    "items": [{"value": "a", "label": "A", "note": "n"}, {"value": 1}, {"value": 1.5, "note": ""}],
}
REGEX: Final = {"type": "regex", "pattern": "^a+$", "flags": "i"}


def new_slug() -> str:
    """Give a slug that no other test uses."""
    return f"segment-{secrets.token_hex(6)}"


def rule(*conditions: dict[str, Any], outcome: dict[str, Any] = ALL, name: str = "r") -> Any:
    """Give a rule."""
    return {"id": f"rule_{name}", "conditions": list(conditions), "outcome": outcome}


def in_segment(*names: str, cmp: str = "eq") -> dict[str, Any]:
    """Give a condition on segments."""
    rhs: Any = names[0]
    if cmp.lower().endswith("oneof"):
        rhs = {"type": "list", "items": [{"value": name} for name in names]}
    return {"lhs": {"type": "segment"}, "cmp": cmp, "rhs": rhs}


def every_form() -> dict[str, Any]:
    """Give data with every form that Vercel documents."""
    scalars = ["text", "", 7, 7.5, -0.5, True, False, {**LIST, "type": "list/inline"}, LIST, REGEX]
    conditions = [{"lhs": EMAIL, "cmp": "eq", "rhs": rhs} for rhs in scalars]
    conditions += [{"lhs": EMAIL, "cmp": cmp, "rhs": REGEX} for cmp in COMPARATORS]
    conditions += [
        {"lhs": EMAIL, "cmp": "contains", "rhs": "x", "cmpOptions": {"ignoreCase": True}},
        {"lhs": EMAIL, "cmp": "contains", "rhs": "x", "cmpOptions": {"ignoreCase": False}},
        {"lhs": EMAIL, "cmp": "contains", "rhs": "x", "cmpOptions": {}},
        {"lhs": EMAIL, "cmp": "ex"},
    ]
    return {
        "rules": [
            rule(*conditions, name="all"),
            rule(name="none", outcome=SPLIT),
            rule(outcome={**SPLIT, "passPromille": 0.5}, name="fraction"),
        ],
        "include": {
            "user": {"id": [{"value": "u1", "note": "n"}, {"value": "u2"}, {"value": "u1"}]},
            "team": {"a.b c/ü": [{"value": "😀"}], "empty": []},
            "device": {},
        },
        "exclude": {"user": {"id": [{"value": ""}]}},
    }


def create(client: httpx.Client, slug: str | None = None, **fields: Any) -> dict[str, Any]:
    """Create a segment; give its representation."""
    body = {"slug": slug or new_slug(), "label": "Label", "hint": "", "data": {}, **fields}
    reply = client.put(SEGMENTS, json=body)
    assert reply.status_code == 201, reply.text
    created: dict[str, Any] = reply.json()
    return created


def including(*values: str) -> dict[str, Any]:
    """Give data that includes users by id."""
    return {"include": {"user": {"id": [{"value": value} for value in values]}}}
