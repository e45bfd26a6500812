"""Segments that refer to each other, and entities to evaluate them for.

Both are made of one pool of values, so that conditions hold about as often as not; the pool is
full of values that languages disagree about.
"""
# ruff: noqa: RUF001  # letters that look like others are what this is about

from collections.abc import Callable
from random import Random
from typing import Any, Final

import xxhash

from api.vercel.evaluation import COMPARATORS
from api.vercel.evaluation.javascript.texts import units_of
from tests.contract.vercel.evaluation.dates import date_text
from tests.contract.vercel.evaluation.expressions import expression, text_to_search
from tests.contract.vercel.evaluation.oracle import as_parsed

Json = Any

_TEXTS: Final = (
    *("", "a", "A", "ab", "u1", "U1", "user_123", "10", "9", " 6 ", "0x10", "1e3", "Infinity"),
    *("-0", "1_000", "inf", "NaN", "é", "É", "e\u0301", "ß", "ss", "SS", "ſ", "K", "k", "😀"),
    *("a😀b", "\ud83d", "\ude00", "\uff5e", "İ", "i\u0307", "ΑΣ", "ας", "ασ", "[object Object]"),
    *("6", "1,2", "true", "null", "undefined", "Object", "toString", "\ufeff7\u2028", "\x1c7"),
    *("function toString() { [native code] }", "2024-02-01", "2024-02-01T00:00:00Z", "\ua7dc"),
    *("0b11", "0o17", "0X1f", ".5", "5.", "+5", "--5", "1e400", "x" * 10_000, "😀" * 5_001),
)
_NUMBERS: Final = (
    *(0, 1, 2, 5, 6, 7, 10, -5, 6.0, 6.5, 1e21, 1e-7, 123456789.125, 2**53, 2**53 + 1, 10**400),
    *(16, 31, 1000, -0.0),
)
_LISTS: Final[tuple[Json, ...]] = (
    *([], ["a"], ["a", "A"], ["a", "a"], ["a", 1], [1, 2], [6], ["6"], [True, None], [[]]),
    *([["a"], "a"], [{}], [{"toString": 1}], ["u1", "ab", "é"], [1e21], [[1, [2]], []], ["😀"]),
)
_OBJECTS: Final[tuple[Json, ...]] = (
    *({}, {"toString": 1}, {"valueOf": 2}, {"length": 3}, {"__proto__": "a"}, {"a": {"b": 1}}),
)
_OTHERS: Final = (None, True, False)
_KINDS: Final = (
    *("user", "user", "user", "user", "team", "team", "toString", "constructor", "__proto__"),
    *("1", "0"),
)
_ATTRIBUTES: Final = (
    *("id", "id", "email", "age", "tags", "at", "a.b", "0", "1", "length", "toString", "name"),
    *("constructor", "__proto__", "arguments", "map", "prototype", "keys", "01"),
)
_IDS: Final = ("s0", "s1", "s2", "s3", "s4", "none", "toString", "__proto__", "5", "s3,s4")
_COMPARATORS: Final = (*sorted(COMPARATORS), "unknown")
_SHARES: Final = (0, -1, 1, 1000, 25_000, 50_000, 50_000.5, 99_999, 100_000, 100_001)
_SEEDS: Final = (0, 0, 7, 12_345, 100_000, -1, 2**31, 2**32 + 5)


class World:
    """Five segments, some entities, and a seed."""

    def __init__(self, rng: Random) -> None:
        """Make it from one source of randomness."""
        self._rng = rng
        # Half of the worlds have one kind with one attribute, so that conditions decide.
        is_narrow = rng.random() < 0.5
        self._kinds = ("user",) if is_narrow else _KINDS
        self._attributes = ("id",) if is_narrow else _ATTRIBUTES
        self._target_chance = 0.1 if is_narrow else 0.3
        values = [self._value() for _ in range(3)]
        self._pool = [*values, *map(self._related, values), *map(self._related, values)]
        self.seed = rng.choice(_SEEDS)
        self.segments: dict[str, Json] = as_parsed(
            {name: self._segment(number) for number, name in enumerate(_IDS[:5])}
        )
        self.entities: list[Json] = as_parsed([self._entities() for _ in range(5)])

    def _value(self) -> Json:
        pools = (_TEXTS, _TEXTS, _TEXTS, _NUMBERS, _NUMBERS, _LISTS, _LISTS, _OBJECTS, _OTHERS)
        if self._rng.random() < 0.15:
            return self._rng.choice((date_text, text_to_search))(self._rng)
        return self._rng.choice(self._rng.choice(pools))

    def _related(self, value: Json) -> Json:
        """Make a value that is nearly the same, or the same in another type."""
        rng = self._rng
        if isinstance(value, str):
            start = rng.randrange(len(value) + 1)
            halves = units_of(value)
            forms = (value.upper(), value.lower(), value[start:], value[:start], f" {value}")
            return rng.choice((*forms, halves[:1], halves[-1:], f"{value}{value}", [value]))
        if isinstance(value, list):
            return rng.choice((value[1:], [*value, rng.choice(_TEXTS)], value[::-1], value * 2))
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return rng.choice((str(value), -value, [value], value == 1))
        return rng.choice((str(value), [value], {"toString": value}))

    def _pooled(self, is_fit: Callable[[Json], bool] = lambda _value: True) -> Json:
        fitting = [value for value in self._pool if is_fit(value)]
        if fitting and self._rng.random() < 0.7:
            return self._rng.choice(fitting)
        while not is_fit(value := self._value()):
            pass
        return value

    def _text(self) -> str:
        return str(self._pooled(lambda value: isinstance(value, str)))

    def _scalar(self) -> Json:
        return self._pooled(lambda value: isinstance(value, (str, int, float)))

    def _entities(self) -> Json:
        if self._rng.random() < 0.03:
            return None
        names = self._rng.choices(self._kinds, k=4)
        return {name: self._entity() for name in names}

    def _entity(self) -> Json:
        if self._rng.random() < 0.06:
            return self._rng.choice((None, 0, "", False, "x", 5, True, [], ["a", 1], 0.0))
        names = self._rng.choices(self._attributes, k=self._rng.randrange(1, 8))
        return {name: self._pooled() for name in names}

    def _accessor(self) -> Json:
        kind, attribute = self._rng.choice(self._kinds), self._rng.choice(self._attributes)
        return {"type": "entity", "kind": kind, "attribute": attribute}

    def _segment(self, number: int) -> Json:
        rng = self._rng
        data: dict[str, Json] = {}
        for side in ("include", "exclude"):
            if rng.random() < self._target_chance:
                kinds = rng.choices(self._kinds, k=rng.randrange(4))
                data[side] = {kind: self._targets() for kind in kinds}
        if rng.random() < 0.97:
            rules = range(rng.choice((0, 1, 1, 1, 2, 3)))
            data["rules"] = [self._rule(f"r{rule}", number) for rule in rules]
        return data

    def _targets(self) -> Json:
        return {
            self._rng.choice(self._attributes): [
                {"value": self._text()} for _ in range(self._rng.randrange(3))
            ]
            for _ in range(self._rng.randrange(4))
        }

    def _rule(self, name: str, number: int) -> Json:
        count = self._rng.choice((0, 1, 1, 1, 1, 1, 2))
        conditions = [self._condition(number) for _ in range(count)]
        return {"id": name, "conditions": conditions, "outcome": self._outcome()}

    def _outcome(self) -> Json:
        if self._rng.random() < 0.75:
            return {"type": "all"}
        base, share = self._accessor(), self._rng.choice(_SHARES)
        if self._rng.random() < 0.8:
            text = (
                self._text().encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
            )
            position = xxhash.xxh32_intdigest(text, seed=self.seed & 0xFFFF_FFFF)
            below, above = ((position + off) * 100_000 / 2**32 for off in (0.5, 1.5))
            share = self._rng.choice((below, above, int(below), int(below) + 1, 0, 100_000))
        return {"type": "split", "base": base, "passPromille": share}

    def _condition(self, number: int) -> Json:
        if self._rng.random() < 0.2:
            return self._on_segments(number)
        comparator = self._rng.choice(_COMPARATORS)
        condition = {"lhs": self._accessor(), "cmp": comparator}
        right = self._right(comparator)
        if right is not None:
            condition["rhs"] = right
        if self._rng.random() < 0.4:
            condition["cmpOptions"] = {"ignoreCase": self._rng.random() < 0.8}
        return condition

    def _right(self, comparator: str) -> Json:
        rng = self._rng
        fitting = rng.choice(_COMPARATORS) if rng.random() < 0.08 else comparator
        if fitting.lower().endswith("of"):
            return self._list()
        if fitting.endswith("regex"):
            pattern, flags = expression(rng)
            return {"type": "regex", "pattern": pattern, "flags": flags}
        if fitting in {"before", "after"}:
            return date_text(rng) if rng.random() < 0.8 else self._text()
        if fitting.lower().endswith(("with", "contains")):
            text = self._text()
            return text[: rng.randrange(3)] if rng.random() < 0.5 else text
        return None if rng.random() < 0.07 else self._scalar()

    def _list(self) -> Json:
        kind = self._rng.choice(("list", "list/inline"))
        items = [self._item() for _ in range(self._rng.randrange(4))]
        return {"type": kind, "items": items}

    def _item(self) -> Json:
        value = self._pooled(
            lambda value: isinstance(value, (str, int, float)) and not isinstance(value, bool)
        )
        return {"value": value}

    def _on_segments(self, number: int) -> Json:
        rng = self._rng
        comparator = rng.choice(("eq", "!eq", "oneOf", "!oneOf", rng.choice(_COMPARATORS)))
        # Mostly later ones; a few close circles.
        names = _IDS if rng.random() < 0.1 else _IDS[number + 1 :]
        right: Json = rng.choice(names)
        if comparator.endswith("Of") or rng.random() < 0.1:
            items = [{"value": rng.choice(names)} for _ in range(rng.randrange(4))]
            right = {"type": "list", "items": items}
        if rng.random() < 0.1:
            right = rng.choice(("", 5, 0, True, False, None, "s4"))
        condition = {"lhs": {"type": "segment"}, "cmp": comparator}
        return condition if right is None else {**condition, "rhs": right}
