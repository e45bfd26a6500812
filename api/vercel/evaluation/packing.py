"""A segment's ``data`` in the packed form that datafiles carry and flags-core evaluates.

Source: @vercel/flags-core 1.8.2, the types Original and Packed.
"""

from collections.abc import Mapping
from typing import Any


def pack_segment(data: Mapping[str, Any]) -> dict[str, Any]:
    """Give the packed form of the REST form; parts that are absent stay absent."""
    packed: dict[str, Any] = {}
    for side in ("include", "exclude"):
        if data.get(side) is not None:
            packed[side] = _targets(data[side])
    if data.get("rules") is not None:
        packed["rules"] = [_rule(rule) for rule in data["rules"]]
    return packed


def _targets(targets: Mapping[str, Any]) -> dict[str, Any]:
    return {
        kind: {
            attribute: [entry["value"] for entry in entries]
            for attribute, entries in attributes.items()
        }
        for kind, attributes in targets.items()
    }


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "conditions": [_condition(condition) for condition in rule["conditions"]],
        "outcome": _outcome(rule["outcome"]),
    }


def _condition(condition: Mapping[str, Any]) -> list[Any]:
    left = condition["lhs"]
    is_segment = left["type"] == "segment"
    packed: list[Any] = ["segment" if is_segment else _path(left), condition["cmp"]]
    right = condition.get("rhs")
    if right is None:
        return packed  # options without a right side would make it null, and mean nothing
    packed.append(_right(right))
    if (condition.get("cmpOptions") or {}).get("ignoreCase") is True:
        packed.append({"i": True})
    return packed


def _right(right: object) -> object:
    if not isinstance(right, Mapping):
        return right
    if right["type"] == "regex":
        return {"type": "regex", "pattern": right["pattern"], "flags": right["flags"]}
    return [item["value"] for item in right["items"]]


def _outcome(outcome: Mapping[str, Any]) -> object:
    if outcome["type"] == "all":
        return 1
    base = _path(outcome["base"])
    return {"type": outcome["type"], "base": base, "passPromille": outcome["passPromille"]}


def _path(accessor: Mapping[str, Any]) -> list[str]:
    return [accessor["kind"], accessor["attribute"]]
