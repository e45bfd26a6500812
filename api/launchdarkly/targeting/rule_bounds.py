"""How large the rules of a segment may become by an edit.

LaunchDarkly documents no such bounds. Rules are read, compared and written as a whole with
every edit, and tried by every evaluation. Rules that were stored before are not held against
these bounds until they are edited.
"""

from collections.abc import Sequence
from typing import Final

from api.bodies.json_values import JsonObject, exact_text
from api.errors import InvalidRequest
from api.evaluation.patterns import program_size
from api.launchdarkly.targeting.rules import Clause, Rule

#: JSON of all rules, in characters: 20,000 e-mail addresses fit, with their rules.
MOST_CHARACTERS: Final = 1_000_000
#: JSON of one value: the longest patterns that were seen are a tenth of it.
MOST_OF_A_VALUE: Final = 10_000
#: Memory of one compiled pattern in bytes: some 5,000 instructions, and 20 ms to compile.
PATTERN_BYTES: Final = 512 * 1024
#: Instructions of all patterns of one edit that were not there before.
MOST_INSTRUCTIONS: Final = 50_000


def require_bounded(before: Sequence[Rule], after: Sequence[Rule]) -> None:
    """Make sure that an edit leaves rules that can be kept and tried.

    Cost: linear in what has changed; about 100 µs for a pattern, 20 ms for the largest.

    Raises:
        InvalidRequest: a value, a pattern or all rules together are too large; says where.
    """
    known = {clause.id: clause for rule in before for clause in rule.clauses}
    patterns = _patterns(before)
    left = MOST_INSTRUCTIONS
    for number, rule in enumerate(after):
        for place, clause in enumerate(rule.clauses):
            if known.get(clause.id) != clause:
                where = f"rules.{number}.clauses.{place}"
                _require_small_values(clause, where)
                left -= _instructions(clause, patterns, where, left)
    size = len(exact_text([rule.to_wire() for rule in after]))
    if size > MOST_CHARACTERS:
        raise InvalidRequest(
            f"rules: {size:,} characters of JSON; the rules of a segment may have "
            f"{MOST_CHARACTERS:,}; use targets or a big segment for many keys"
        )


def require_small(fields: JsonObject) -> None:
    """Make sure that a raw instruction brings no huge value, before anything is done with it.

    Raises:
        InvalidRequest: it does.
    """
    clauses = [fields.get("clause"), fields, *_list(fields.get("clauses"))]
    for clause in clauses:
        for value in _list(clause.get("values")) if isinstance(clause, dict) else ():
            if _is_large(value):
                raise InvalidRequest(_TOO_LONG)


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def _require_small_values(clause: Clause, where: str) -> None:
    for number, value in enumerate(clause.values):
        if _is_large(value):
            raise InvalidRequest(f"{where}.values.{number}: {_TOO_LONG}")


def _is_large(value: object) -> bool:
    if isinstance(value, str):
        return len(value) > MOST_OF_A_VALUE
    return isinstance(value, list | dict | int) and len(exact_text(value)) > MOST_OF_A_VALUE


def _patterns(rules: Sequence[Rule]) -> set[str]:
    return {
        value
        for rule in rules
        for clause in rule.clauses
        if clause.op == "matches"
        for value in clause.values
        if isinstance(value, str)
    }


def _instructions(clause: Clause, known: set[str], where: str, left: int) -> int:
    """What the new patterns of a clause come to; they are known from then on."""
    taken = 0
    for number, value in enumerate(clause.values if clause.op == "matches" else ()):
        if not isinstance(value, str) or value in known:
            continue
        size = program_size(value, PATTERN_BYTES)
        if size is None:
            raise InvalidRequest(f"{where}.values.{number}: the pattern is too large; split it")
        known.add(value)
        taken += size
        if taken > left:
            raise InvalidRequest("rules: the patterns are too large together; send fewer at a time")
    return taken


_TOO_LONG: Final = f"a value of a clause may have {MOST_OF_A_VALUE:,} characters of JSON"
