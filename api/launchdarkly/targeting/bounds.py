"""How large an edit may make the rules of a segment.

LaunchDarkly documents no such bounds. Every edit reads, compares and writes all rules, and every
evaluation tries them. Stored rules are not checked until they are edited.
"""

from collections.abc import Sequence
from typing import Final

from api.bodies.json_values import JsonObject, exact_text
from api.errors import InvalidRequest
from api.evaluation.operators.patterns import program_size
from api.launchdarkly.targeting.values import Clause, Rule

#: JSON of all rules, in characters: 20,000 e-mail addresses fit, with their rules.
MOST_CHARACTERS: Final = 1_000_000
#: JSON of one value; the longest patterns seen have a tenth of that.
MOST_OF_A_VALUE: Final = 10_000
#: Memory of one compiled pattern in bytes: some 5,000 instructions, and 20 ms to compile.
PATTERN_BYTES: Final = 512 * 1024
#: Instructions of all patterns that one edit adds.
MOST_INSTRUCTIONS: Final = 50_000


def require_bounded(before: Sequence[Rule], after: Sequence[Rule]) -> None:
    """Make sure that an edit leaves rules that can be stored and evaluated.

    Cost: linear in what has changed; about 100 µs for a pattern, 20 ms for the largest.

    Raises:
        InvalidRequest: a value, a pattern or all rules together are too large; says where.
    """
    known = {clause.id: clause for rule in before for clause in rule.clauses}
    patterns = _patterns(before)
    left = MOST_INSTRUCTIONS
    for rule_index, rule in enumerate(after):
        for clause_index, clause in enumerate(rule.clauses):
            if known.get(clause.id) != clause:
                where = f"rules.{rule_index}.clauses.{clause_index}"
                _require_small_values(clause, where)
                left -= _measure_patterns(clause, patterns, where, left)
    size = len(exact_text([rule.to_wire() for rule in after]))
    if size > MOST_CHARACTERS:
        raise InvalidRequest(
            f"rules: {size:,} characters of JSON; the rules of a segment may have "
            f"{MOST_CHARACTERS:,}; use targets or a big segment for many keys"
        )


def require_small(fields: JsonObject) -> None:
    """Make sure that a raw instruction holds no huge value, before it is parsed.

    Raises:
        InvalidRequest: it holds one.
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


def _measure_patterns(clause: Clause, known: set[str], where: str, left: int) -> int:
    """Measure the new patterns of a clause, and add them to the known ones."""
    total = 0
    for number, value in enumerate(clause.values if clause.op == "matches" else ()):
        if not isinstance(value, str) or value in known:
            continue
        size = program_size(value, PATTERN_BYTES)
        if size is None:
            raise InvalidRequest(f"{where}.values.{number}: the pattern is too large; split it")
        known.add(value)
        total += size
        if total > left:
            raise InvalidRequest("rules: the patterns are too large together; send fewer at a time")
    return total


_TOO_LONG: Final = f"a value of a clause may have {MOST_OF_A_VALUE:,} characters of JSON"
