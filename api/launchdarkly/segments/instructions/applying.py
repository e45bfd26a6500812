"""One request's instructions: checked first, then applied in order, all or none."""

from collections.abc import Sequence
from typing import Any, Final

from api.bodies.unknown_names import list_known, repeatable
from api.errors import InvalidRequest
from api.launchdarkly.segments.instructions import details, rules, targets
from api.launchdarkly.segments.instructions.draft import Draft
from api.launchdarkly.segments.instructions.instruction import InstructionKind, Kinds, Parameters
from api.launchdarkly.targeting.bounds import require_small
from api.launchdarkly.targeting.fields import Ids
from api.launchdarkly.targeting.values import SegmentDocument

#: Every kind of instruction. Source: the documentation of Patch segment, and
#: ``updateDescription``.
TABLE: Final[Kinds] = {
    **details.KINDS,
    **targets.STANDARD_KINDS,
    **rules.KINDS,
    **targets.BIG_KINDS,
}

_NOT_ON_BIG: Final = (
    "is for standard segments; change a big segment's members with "
    "addBigSegmentIncludedTargets, POST .../contexts or an import"
)


def apply_instructions(
    document: SegmentDocument, instructions: Sequence[object], *, unbounded: bool, ids: Ids
) -> Draft:
    """Apply a semantic patch to a segment.

    Each instruction sees the changes of those before it. One that changes nothing succeeds.
    Whether a key is in a list of a big segment is not looked up.

    Args:
        document: the segment; it is not changed.
        instructions: as they came.
        unbounded: whether it is a big segment.
        ids: makes the ids of new rules and clauses.

    Raises:
        InvalidRequest: an instruction is wrong or cannot be applied (says which), or
            together they have too many keys.
    """
    checked = [
        _check(raw, f"instructions[{index}]", unbounded=unbounded, ids=ids)
        for index, raw in enumerate(instructions)
    ]
    _require_few_targets([parameters for _, parameters in checked])
    draft = Draft.of(document)
    for index, (kind, parameters) in enumerate(checked):
        try:
            kind.apply(draft, parameters)
        except InvalidRequest as exc:
            raise InvalidRequest(f"instructions[{index}]: {exc}") from exc
    return draft


def _check(
    raw: object, where: str, *, unbounded: bool, ids: Ids
) -> tuple[InstructionKind[Any], Parameters]:
    if not isinstance(raw, dict):
        raise InvalidRequest(f"{where}: an instruction is an object with a kind")
    name = raw.get("kind")
    if not isinstance(name, str) or name not in TABLE:
        what = f"{name} is not an instruction" if repeatable(name) else "it is not an instruction"
        listed = list_known(name, tuple(TABLE), "instructions")
        raise InvalidRequest(f"{where}.kind: {what}; {listed}")
    kind = TABLE[name]
    if kind.segments == "standard" and unbounded:
        raise InvalidRequest(f"{where}: {name} {_NOT_ON_BIG}")
    if kind.segments == "big" and not unbounded:
        raise InvalidRequest(f"{where}: {name} is for big segments, this is a standard one")
    try:
        require_small(raw)
    except InvalidRequest as exc:
        raise InvalidRequest(f"{where}: {exc}") from exc
    return kind, kind.parse(raw, where, ids)


def _require_few_targets(instructions: Sequence[Parameters]) -> None:
    count = sum(
        len(instruction.values)
        for instruction in instructions
        if isinstance(instruction, targets.Users | targets.Targets)
    )
    if count > targets.MOST_KEYS:
        message = f"instructions: {count:,} targets; one request takes {targets.MOST_KEYS:,}"
        raise InvalidRequest(f"{message}; send several requests")
