"""The value at entities[kind][attribute], with all that JavaScript's ``in`` finds there.

flags-core asks ``key in holder``, which is true of inherited names too: every entity "has" a
``toString`` and every array a ``length``.

Source: @vercel/flags-core 1.8.2, getProperty; ECMAScript 2025 for what objects inherit.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from api.evaluation import SegmentInError
from api.vercel.evaluation.javascript.values import (
    FALSE,
    NULL,
    UNDEFINED,
    Array,
    Constant,
    Function,
    Object,
    Value,
    value_of,
)

#: What every object inherits. It has no members of its own beyond those of `_OBJECT`.
OBJECT_PROTOTYPE: Final = Object(MappingProxyType({}))
_NO_ITEMS: Final = Array((), frozenset())

_INDEX: Final = re.compile("0|[1-9][0-9]{0,9}")
_MOST_INDEX: Final = 2**32 - 2


def _functions(table: str) -> Mapping[str, Function]:
    """Read `name/number of parameters` separated by blanks."""
    pairs = (entry.split("/") for entry in table.split())
    return MappingProxyType({name: Function(name, int(length)) for name, length in pairs})


#: Methods that all objects inherit, and with them segments' ids that JavaScript finds.
OBJECT_METHODS: Final = _functions(
    "__defineGetter__/2 __defineSetter__/2 hasOwnProperty/1 __lookupGetter__/1 __lookupSetter__/1 "
    "isPrototypeOf/1 propertyIsEnumerable/1 toString/0 valueOf/0 toLocaleString/0"
)
#: Names that JavaScript finds in every object: as attributes of each entity, and as ids of segments
#: that nobody is in.
INHERITED: Final = frozenset(OBJECT_METHODS) | {"constructor", "__proto__"}
_ARRAY_METHODS: Final = _functions(
    "at/1 concat/1 copyWithin/2 fill/1 find/1 findIndex/1 findLast/1 findLastIndex/1 lastIndexOf/1 "
    "pop/0 push/1 reverse/0 shift/0 unshift/1 slice/2 sort/1 splice/2 includes/1 indexOf/1 join/1 "
    "keys/0 entries/0 values/0 forEach/1 filter/1 flat/0 flatMap/1 map/1 every/1 some/1 reduce/1 "
    "reduceRight/1 toReversed/0 toSorted/1 toSpliced/2 with/2 toLocaleString/0 toString/0"
)
_FUNCTION_METHODS: Final = _functions("apply/2 bind/1 call/1 toString/0")
_OBJECT_STATICS: Final = _functions(
    "assign/2 getOwnPropertyDescriptor/2 getOwnPropertyDescriptors/1 getOwnPropertyNames/1 "
    "getOwnPropertySymbols/1 hasOwn/2 is/2 preventExtensions/1 seal/1 create/2 defineProperties/2 "
    "defineProperty/3 freeze/1 getPrototypeOf/1 setPrototypeOf/2 isExtensible/1 isFrozen/1 "
    "isSealed/1 keys/1 entries/1 fromEntries/1 values/1 groupBy/2"
)
_OBJECT: Final = Function("Object", 1)
_ARRAY: Final = Function("Array", 1)
_FUNCTION: Final = Function("Function", 1)
_FUNCTION_PROTOTYPE: Final = Function("", 0)


def ordered_keys(members: Mapping[str, object]) -> list[str]:
    """Give an object's keys as ``for in`` does: indexes first, by number."""
    indexes = [key for key in members if _INDEX.fullmatch(key) and int(key) <= _MOST_INDEX]
    if not indexes:
        return list(members)
    known = frozenset(indexes)
    return [*sorted(indexes, key=int), *(key for key in members if key not in known)]


def value_at(entities: Mapping[str, object] | None, kind: str, attribute: str) -> Value:
    """Give the value; ``UNDEFINED`` where a part of the path is missing or falsy.

    Raises:
        SegmentInError: the kind is a string, a number or true, or the path leads to a property
            that throws; there flags-core throws.
    """
    if entities is None:
        return UNDEFINED
    holder = _property_of_object(Object(entities), kind)
    match holder:
        case Object():
            return _property_of_object(holder, attribute)
        case Array():
            return _property_of_array(holder, attribute)
        case Function():
            return _property_of_function(holder, attribute)
        case Constant() if holder in {UNDEFINED, NULL, FALSE}:
            return UNDEFINED
        case "" | 0.0:
            return UNDEFINED
    raise SegmentInError(f"entity {kind!r} must be an object of attributes; send it as one")


def _property_of_object(holder: Object, name: str) -> Value:
    if name in holder.members:
        return value_of(holder.members[name])
    if name == "constructor":
        return _OBJECT
    if name == "__proto__":
        return NULL if holder is OBJECT_PROTOTYPE else OBJECT_PROTOTYPE
    return OBJECT_METHODS.get(name, UNDEFINED)


def _property_of_array(holder: Array, name: str) -> Value:
    if name == "length":
        return float(len(holder.items))
    if _INDEX.fullmatch(name) and int(name) < len(holder.items):
        return value_of(holder.items[int(name)])
    if name == "constructor":
        return _ARRAY
    if name == "__proto__":
        return _NO_ITEMS
    return _ARRAY_METHODS.get(name, OBJECT_METHODS.get(name, UNDEFINED))


def _property_of_function(holder: Function, name: str) -> Value:
    if name in {"arguments", "caller"}:
        raise SegmentInError(f"attribute {name!r} of a function cannot be read; rename the kind")
    if holder is _OBJECT and name == "prototype":
        return OBJECT_PROTOTYPE
    own: Mapping[str, Value] = {
        "name": holder.name,
        "length": float(holder.length),
        "constructor": _FUNCTION,
        "__proto__": _FUNCTION_PROTOTYPE,
    }
    if name in own:
        return own[name]
    if holder is _OBJECT and name in _OBJECT_STATICS:
        return _OBJECT_STATICS[name]
    return _FUNCTION_METHODS.get(name, OBJECT_METHODS.get(name, UNDEFINED))
