"""Values in the data of a segment: those of lists, those included, numbers.

There may be a hundred thousand of them. They are read by plain code, during which other threads
run, and not by models, which would keep look-ups waiting.
"""

from collections.abc import Sequence
from typing import Any, Final

from pydantic_core import PydanticCustomError

from api.bodies.json_values import JsonObject

#: The largest integer of which a double holds every smaller one.
_EXACT: Final = 2**53
#: A share of 100 %, in thousandths of a per cent.
WHOLE: Final = 100_000
_LABELS: Final = ("label", "note")
_NOTES: Final = ("note",)


def read_items(value: Any) -> list[JsonObject]:  # noqa: ANN401 - any JSON
    """Read the items of a list that a condition compares with.

    Raises:
        PydanticCustomError: one has another form.
    """
    items = []
    for number, item in enumerate(_require_list(value)):
        found = _require_object(number, item)
        scalar = found.get("value")
        if isinstance(scalar, bool) or not isinstance(scalar, str | int | float):
            raise _fault(f"item {number}: value must be a text or a number")
        items.append({**_read_texts(number, found, _LABELS), "value": read_scalar(scalar)})
    return items


def read_targets(value: Any) -> list[JsonObject]:  # noqa: ANN401 - same
    """Read the values of an attribute that are included or excluded.

    Raises:
        PydanticCustomError: one has another form.
    """
    return [read_target(target, number) for number, target in enumerate(_require_list(value))]


def read_target(value: Any, number: int = 0) -> JsonObject:  # noqa: ANN401 - same
    """Read one of them. Errors: as :func:`read_targets`."""
    found = _require_object(number, value)
    if not isinstance(found.get("value"), str):
        raise _fault(f"item {number}: value must be a text")
    return {**_read_texts(number, found, _NOTES), "value": found["value"]}


def read_scalar(value: Any) -> Any:  # noqa: ANN401 - a text, a boolean or a number
    """Read a scalar as every client does: for JavaScript, all numbers are doubles.

    Raises:
        PydanticCustomError: a number is over the range of a double.
    """
    if isinstance(value, int) and abs(value) > _EXACT:
        try:
            return float(value)
        except OverflowError:
            raise _fault("a number is over the range of a double") from None
    return value


def read_share(value: Any) -> float:  # noqa: ANN401 - any JSON
    """Read the share of a split.

    Raises:
        PydanticCustomError: it is no number, or none of the range.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= WHOLE:
        raise _fault(f"must be a number from 0 to {WHOLE:,}, which is 100 %")
    return value


def _fault(message: str) -> PydanticCustomError:
    # Not ValueError, which pydantic keeps with its traceback: a reference cycle.
    return PydanticCustomError("entry", "{fault}", {"fault": message})


def _require_list(value: Any) -> list[Any]:  # noqa: ANN401 - same
    if not isinstance(value, list):
        raise _fault("must be a list")
    return value


def _require_object(number: int, value: Any) -> JsonObject:  # noqa: ANN401 - same
    if not isinstance(value, dict):
        raise _fault(f"item {number} must be an object")
    return value


def _read_texts(number: int, found: JsonObject, names: Sequence[str]) -> JsonObject:
    """Those of these members that are there; null counts as absent."""
    texts = {name: found[name] for name in names if found.get(name) is not None}
    for name, text in texts.items():
        if not isinstance(text, str):
            raise _fault(f"item {number}: {name} must be a text")
    return texts
