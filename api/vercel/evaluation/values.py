"""What conditions see of the entities: each value is looked up and made ready once."""

from collections.abc import Mapping
from typing import Final

import xxhash

from api.evaluation import Effort
from api.vercel.evaluation.javascript.dates import milliseconds_of
from api.vercel.evaluation.javascript.numbers import primitive_of
from api.vercel.evaluation.javascript.properties import value_at
from api.vercel.evaluation.javascript.texts import lower_case, well_formed
from api.vercel.evaluation.javascript.values import NULL, UNDEFINED, Array, Value, array_of

#: Views of a value: as it is; in lower case; as what `<` compares; as milliseconds; as XXH32.
PLAIN: Final = "plain"
LOWER: Final = "lower"
PRIMITIVE: Final = "primitive"
INSTANT: Final = "instant"
HASH: Final = "hash"

#: Kind, attribute and view.
Key = tuple[str, str, str]

#: Characters of a text that are made ready at the cost of one test.
_CHARACTERS_A_TEST: Final = 4
#: Tests that a character of a date costs, and an item of an array that becomes a text.
_OF_A_DATE: Final = 2
_OF_AN_ITEM: Final = 4
_SEED_MASK: Final = 0xFFFF_FFFF


class Values(dict[Key, Value]):
    """The views of one evaluation's entities, made when they are first asked for."""

    __slots__ = ("_effort", "_entities", "_seed")

    def __init__(
        self, entities: Mapping[str, object] | None, effort: Effort, *, seed: int = 0
    ) -> None:
        """Begin with nothing made ready."""
        super().__init__()
        self._entities = entities
        self._effort = effort
        self._seed = seed & _SEED_MASK

    def __missing__(self, key: Key) -> Value:
        kind, attribute, view = key
        if view == PLAIN:
            value = value_at(self._entities, kind, attribute)
            if isinstance(value, Array):
                self._effort.spend_tests(len(value.items))
        else:
            value = self._view(self[kind, attribute, PLAIN], view)
        self[key] = value
        return value

    def _view(self, value: Value, view: str) -> Value:
        if isinstance(value, str):
            is_date = view == INSTANT
            cost = len(value) * _OF_A_DATE if is_date else len(value) // _CHARACTERS_A_TEST
            self._effort.spend_tests(cost)
        elif isinstance(value, Array):
            self._effort.spend_tests(_size_of(value) * _OF_AN_ITEM)
        if view == LOWER:
            return _lower(value)
        if view == PRIMITIVE:
            primitive = primitive_of(value)
            # Undefined is in no order, as is an object that JavaScript cannot compare; so is null
            # to flags-core, which asks for it first.
            return UNDEFINED if primitive is None or primitive is NULL else primitive
        if not isinstance(value, str):
            return UNDEFINED
        if view == INSTANT:
            instant = milliseconds_of(value)
            return UNDEFINED if instant is None else float(instant)
        return float(xxhash.xxh32_intdigest(well_formed(value), seed=self._seed))


def _lower(value: Value) -> Value:
    if isinstance(value, str):
        return lower_case(value)
    if not isinstance(value, Array):
        return value
    return array_of([lower_case(item) if isinstance(item, str) else item for item in value.items])


def _size_of(array: Array) -> int:
    """Count the items of an array and of those within."""
    count = 0
    pending: list[object] = [array.items]
    while pending:
        inner = pending.pop()
        if isinstance(inner, (list, tuple)):
            count += len(inner)
            pending.extend(inner)
        elif isinstance(inner, str):
            count += len(inner) // _CHARACTERS_A_TEST
    return count
