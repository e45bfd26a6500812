from typing import Any

import pytest

from api.errors import InvalidRequest
from api.launchdarkly.segments.instructions import ListEdit
from api.launchdarkly.segments.instructions.applying import TABLE
from tests.support.segments.segments import big_representation, instructed, representation, rule


def _targets(kind: str, *values: str, context_kind: str = "org") -> dict[str, Any]:
    return {"kind": kind, "contextKind": context_kind, "values": list(values)}


def _keys(kind: str, *values: str) -> dict[str, Any]:
    return {"kind": kind, "values": list(values)}


def test_table__holds_the_documented_kinds_and_one_more() -> None:
    assert len(TABLE) == 26 + 1


def test_targets__added_and_removed__in_order_and_once() -> None:
    shown = representation(included=["a", "b"], excludedContexts=[])
    document = instructed(
        _keys("addIncludedUsers", "c", "a", "c"),
        _targets("addIncludedTargets", "d", context_kind="user"),
        _keys("removeIncludedUsers", "b", "not there"),
        _targets("addExcludedTargets", "o1", "o2"),
        _targets("removeExcludedTargets", "o1"),
        shown=shown,
    ).document
    assert document.included == ("a", "c", "d")
    assert [one.to_wire() for one in document.excluded_contexts] == [
        {"contextKind": "org", "values": ["o2"]}
    ]


def test_targets__last_of_a_kind_removed__the_entry_goes() -> None:
    entry = {"contextKind": "org", "values": ["o"]}
    other = {"contextKind": "device", "values": ["d"]}
    document = instructed(
        _targets("removeIncludedTargets", "o"),
        _targets("addIncludedTargets", context_kind="car"),
        shown=representation(includedContexts=[entry, other]),
    ).document
    assert [one.to_wire() for one in document.included_contexts] == [other]


def test_targets__several_entries_of_a_kind__added_to_one_and_removed_from_all() -> None:
    entries = [{"contextKind": "org", "values": values} for values in (["a", "b"], ["b", "c"])]
    document = instructed(
        _targets("addIncludedTargets", "c", "d"),
        _targets("removeIncludedTargets", "b"),
        shown=representation(includedContexts=entries),
    ).document
    assert [one.values for one in document.included_contexts] == [("a", "d"), ("c",)]


def test_targets__already_so__changes_nothing_even_with_repeated_keys() -> None:
    shown = representation(included=["a", "a", "b"], excluded=["b"])
    result = instructed(
        _keys("addIncludedUsers", "a", "b"), _keys("removeExcludedUsers", "x"), shown=shown
    )
    assert (result.changed, result.document.included) == (False, ("a", "a", "b"))


@pytest.mark.parametrize(
    "instructions",
    [
        [_keys("addIncludedUsers", "x")],
        [_targets("addIncludedTargets", "x", context_kind="user")],
        [_keys("addIncludedUsers", "new"), _keys("addExcludedUsers", "new")],
        [_targets("addExcludedTargets", "o")],
    ],
)
def test_targets__key_in_both_lists__refused_without_naming_it(
    instructions: list[dict[str, Any]],
) -> None:
    entry = {"contextKind": "org", "values": ["o"]}
    with pytest.raises(InvalidRequest, match=r"1 key of kind \w+ would be both included"):
        instructed(*instructions, shown=representation(excluded=["x"], includedContexts=[entry]))


def test_targets__moved_from_list_to_list__in_any_order() -> None:
    moves = [_keys("addIncludedUsers", "x"), _keys("removeExcludedUsers", "x")]
    for order in (moves, moves[::-1]):
        document = instructed(*order, shown=representation(excluded=["x"])).document
        assert (document.included, document.excluded) == (("x",), ())


def test_targets__over_1500_keys_in_the_request__refused() -> None:
    first = _keys("addIncludedUsers", *(f"k{number}" for number in range(1_499)))
    assert instructed(first, _keys("removeExcludedUsers", "a")).document.target_count == 1_499
    with pytest.raises(InvalidRequest, match="1,501 targets"):
        instructed(first, _keys("removeExcludedUsers", "a"), _targets("addExcludedTargets", "b"))


def test_targets__over_15000_in_the_segment__refused() -> None:
    full = representation(included=[f"k{number}" for number in range(14_999)])
    assert instructed(_keys("addExcludedUsers", "a"), shown=full).changed
    with pytest.raises(InvalidRequest, match="15,001 targets"):
        instructed(_keys("addExcludedUsers", "a", "b"), shown=full)


def test_big_segment__edits__the_last_of_a_key_stays() -> None:
    result = instructed(
        _keys("addBigSegmentIncludedTargets", "a", "b", "c"),
        _keys("removeBigSegmentIncludedTargets", "b"),
        _keys("removeBigSegmentExcludedTargets", "a"),
        _keys("addBigSegmentExcludedTargets", "d"),
        shown=big_representation(),
    )
    assert not result.changed
    assert result.edits == (
        ListEdit("included", "add", ("a", "c")),
        ListEdit("included", "remove", ("b",)),
        ListEdit("excluded", "add", ("d",)),
        ListEdit("excluded", "remove", ("a",)),
    )
    assert result.must_be_absent == {"included": ("d",), "excluded": ("c",)}


def test_big_segment__more_than_1500_keys__taken() -> None:
    keys = [f"k{number}" for number in range(2_000)]
    [edit] = instructed(
        _keys("addBigSegmentIncludedTargets", *keys), shown=big_representation()
    ).edits
    assert edit.keys == tuple(keys)


def test_big_segment__key_added_to_both_lists__refused() -> None:
    with pytest.raises(InvalidRequest, match="1 key would be both included and excluded"):
        instructed(
            _keys("addBigSegmentIncludedTargets", "a", "b"),
            _keys("addBigSegmentExcludedTargets", "b"),
            shown=big_representation(),
        )


@pytest.mark.parametrize("sent", ["abc-1", "/api/v2/segments/p/e/beta/imports/abc-1"])
def test_big_segment__import_to_process__named_by_id_or_address(sent: str) -> None:
    instruction = {"kind": "processBigSegmentImport", "importId": sent}
    result = instructed(instruction, instruction, shown=big_representation())
    assert (result.import_id, result.changed) == ("abc-1", False)
    other = instruction | {"importId": "abc-2"}
    with pytest.raises(InvalidRequest, match=r"instructions\[1\]: one request"):
        instructed(instruction, other, shown=big_representation())


@pytest.mark.parametrize(
    "instruction",
    [
        _keys("addIncludedUsers"),
        _targets("removeExcludedTargets", "a"),
        {"kind": "removeRule", "ruleId": "x"},
        {"kind": "addRule", "clauses": []},
    ],
)
def test_big_segment__instruction_for_standard_ones__refused(instruction: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match=r"^instructions\[0\]: .* is for standard segments"):
        instructed(instruction, shown=big_representation())


@pytest.mark.parametrize(
    "instruction",
    [
        _keys("addBigSegmentIncludedTargets", "a"),
        {"kind": "processBigSegmentImport", "importId": "x"},
    ],
)
def test_standard_segment__instruction_for_big_ones__refused(instruction: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match=r"^instructions\[0\]: .* is for big segments"):
        instructed(instruction)


@pytest.mark.parametrize(
    ("instruction", "message"),
    [
        (
            {"kind": "noSuchKind"},
            r"^instructions\[1\]\.kind: noSuchKind is not an instruction; instructions: addTags, ",
        ),
        ({"kind": ["addTags"]}, r"^instructions\[1\]\.kind: "),
        ({}, r"^instructions\[1\]\.kind: "),
        ("addTags", r"^instructions\[1\]: "),
        (_keys("addTags", "a b"), r"^instructions\[1\]\.values\[0\]: "),
        ({"kind": "addTags"}, r"^instructions\[1\]\.values: Field required"),
        ({"kind": "updateName", "value": ""}, r"^instructions\[1\]\.value: "),
        (_keys("addIncludedUsers", "a", ""), r"^instructions\[1\]\.values: entry 1: "),
        ({"kind": "addIncludedUsers", "values": None}, r"^instructions\[1\]\.values: "),
        (_targets("addIncludedTargets", "a", context_kind="kind"), "kind is reserved"),
        ({"kind": "updateRuleDescription", "ruleId": "no", "description": "d"}, "no rule 'no'"),
    ],
)
def test_apply_instructions__one_is_wrong__all_refused_and_it_is_named(
    instruction: object, message: str
) -> None:
    shown = representation(rules=[rule()])
    with pytest.raises(InvalidRequest, match=message):
        instructed({"kind": "updateName", "value": "New"}, instruction, shown=shown)
    assert shown == representation(rules=[rule()])


def test_details__changed__and_already_so() -> None:
    instructions: list[dict[str, Any]] = [
        {"kind": "updateName", "value": "New"},
        {"kind": "updateDescription", "value": "why"},
        _keys("addTags", "b", "a", "b"),
        _keys("removeTags", "c", "x"),
    ]
    result = instructed(*instructions, shown=representation(tags=["a", "c"]))
    assert (result.document.name, result.document.description) == ("New", "why")
    assert result.document.tags == ("a", "b")
    shown = representation(**result.document.to_wire())
    assert not instructed(*instructions, shown=shown).changed
