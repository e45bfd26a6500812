"""Whom a segment targets, as the definition store keeps it: the fields the API shows."""

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from api.bodies.json_values import JsonObject
from api.errors import Broken
from api.launchdarkly.targeting.fields import DEFAULT_KIND
from api.launchdarkly.targeting.rules import Rule
from api.launchdarkly.targeting.targeting import Targeting
from worker.store import EXCLUDED, INCLUDED, Definition, Scope, Side, Store
from worker.store.segments.target_schedules import TargetSchedule, decode_schedules

_LISTS: Final = ("included", "excluded", "includedContexts", "excludedContexts", "rules")
_NONE: Final = json.dumps({name: [] for name in _LISTS}, separators=(",", ":")).encode()


def stored_fields(definition: Definition) -> JsonObject:
    """The lists and rules of a standard segment, ready to be shown; they are not checked again.

    Cost: linear in the JSON; about 20 µs for 100 targets.
    """
    definition.require_whole()
    if definition.targeting is None:
        return {name: [] for name in _LISTS}
    try:
        fields: JsonObject = json.loads(definition.targeting)
    except ValueError as exc:
        raise _unreadable(definition) from exc
    return fields


def stored_members(definition: Definition) -> bytes:
    """The same as JSON: the members of an object, without its braces. Cost: no reading."""
    definition.require_whole()
    return (_NONE if definition.targeting is None else definition.targeting)[1:-1]


def stored_form(targeting: Targeting) -> str | None:
    """What the definition store is to keep; ``None`` when nothing is targeted."""
    return None if targeting.is_empty else targeting.encoded()


def stored_targets(definition: Definition) -> Mapping[tuple[Side, str], AbstractSet[str]]:
    """The keys that a standard segment targets, by list and context kind. Cost: linear."""
    return _targets(stored_fields(definition))


def kept_schedules(before: Definition, after: Targeting) -> tuple[TargetSchedule, ...]:
    """The schedules that a change leaves: those whose target it leaves in its list."""
    schedules = decode_schedules(before.schedules)
    if not schedules:
        return ()
    targets = _targets(after.to_wire())
    return tuple(
        one
        for one in schedules
        if one.key in targets.get((one.side, one.context_kind), frozenset())
    )


def _targets(fields: JsonObject) -> Mapping[tuple[Side, str], AbstractSet[str]]:
    targets: dict[tuple[Side, str], set[str]] = {}
    for side in (INCLUDED, EXCLUDED):
        targets.setdefault((side, DEFAULT_KIND), set()).update(fields[side])
        for entry in fields[f"{side}Contexts"]:
            targets.setdefault((side, entry["contextKind"]), set()).update(entry["values"])
    return targets


def stored_rules(store: Store, scope: Scope, key: str) -> Sequence[Rule]:
    """The rules of a segment, none for one that does not exist. Cost: one round trip."""
    definition = store.segments.read_many(scope, [key])[0]
    if definition is None:
        return ()
    definition.require_whole()
    if definition.targeting is None:
        return ()
    try:
        return Targeting.decoded(definition.targeting).rules
    except ValueError as exc:
        raise _unreadable(definition) from exc


def _unreadable(definition: Definition) -> Broken:
    message = f"segment {definition.segment.key}: its targets are not readable by this release"
    return Broken(message)
