"""Operations on values against the plain rule: add once, remove every entry."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from api.vercel.segments.models import ValueOperation
from api.vercel.segments.value_operations import apply_operations

NAMES = st.sampled_from(["a", "b", "c"])
ENTRIES = st.fixed_dictionaries({"value": NAMES}, optional={"note": st.sampled_from(["", "n"])})
TARGETS = st.dictionaries(NAMES, st.dictionaries(NAMES, st.lists(ENTRIES, max_size=5), max_size=2))
DATA = st.fixed_dictionaries({}, optional={"include": TARGETS, "exclude": TARGETS})
OPERATIONS = st.lists(
    st.builds(
        ValueOperation.model_construct,
        action=st.sampled_from(["add", "remove"]),
        field=st.sampled_from(["include", "exclude"]),
        entity=NAMES,
        attribute=NAMES,
        value=ENTRIES,
    ),
    max_size=12,
)


def _apply_one(data: dict[str, Any], operation: ValueOperation) -> None:
    entry = operation.value
    kinds = data.get(operation.field, {})
    found = kinds.get(operation.entity, {}).get(operation.attribute)
    if operation.action == "remove":
        if found is not None:
            found[:] = [one for one in found if one["value"] != entry["value"]]
        return
    kinds = data.setdefault(operation.field, {})
    found = kinds.setdefault(operation.entity, {}).setdefault(operation.attribute, [])
    if all(one["value"] != entry["value"] for one in found):
        found.append(entry)
    elif "note" in entry:
        found[:] = [entry if one["value"] == entry["value"] else one for one in found]


@given(DATA, OPERATIONS)
def test_apply_operations__any__is_the_same_as_one_after_the_other(
    data: dict[str, Any], operations: list[ValueOperation]
) -> None:
    before, expected = copy.deepcopy(data), copy.deepcopy(data)
    for operation in operations:
        _apply_one(expected, operation)

    assert apply_operations(data, operations) == expected
    assert data == before
