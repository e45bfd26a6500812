import json

import pytest

from api.errors import InvalidRequest
from api.launchdarkly.segments.references import (
    OtherSegments,
    find_cycle,
    list_references,
    require_no_cycle,
)
from api.launchdarkly.targeting.stored import encode_targeting
from api.launchdarkly.targeting.values import MOST_TARGETS, Rule, parse_document
from tests.support.segments.segments import (
    NO_OTHERS,
    UUID,
    Ids,
    clause,
    knows_all,
    representation,
    rule,
)


def _rules(*targets: str) -> tuple[Rule, ...]:
    ids = Ids()
    return tuple(
        Rule.model_validate(
            rule(ids(), clauses=[clause(op="segmentMatch", attribute="", values=[target])])
        )
        for target in targets
    )


def test_parse_document__values_of_every_type__come_back_as_they_were() -> None:
    values = [1, 1.0, True, "1", None, 2**60, [1, {"a": None}]]
    shown = representation(rules=[rule(clauses=[clause(values=values)])])
    [back] = parse_document(shown, Ids()).to_wire()["rules"]
    assert repr(back["clauses"][0]["values"]) == repr(values)


def test_parse_document__rules_without_ids__get_them_and_given_ones_stay() -> None:
    anonymous = {"clauses": [{"attribute": "a", "op": "in", "values": []}, clause(_id="mine")]}
    document = parse_document(representation(rules=[anonymous, rule("kept")]), Ids())
    assert [one.id for one in document.rules] == [UUID % 1, "kept"]
    assert [one.id for one in document.rules[0].clauses] == [UUID % 2, "mine"]


@pytest.mark.parametrize("absent", [{}, {"_id": None}, {"_id": ""}])
def test_parse_document__defaults__are_those_of_launchdarkly(absent: dict[str, object]) -> None:
    bare = absent | {"clauses": [absent | {"attribute": "a", "op": "in", "values": []}]}
    [shown] = parse_document(representation(rules=[bare]), Ids()).to_wire()["rules"]
    assert shown == {
        "_id": UUID % 1,
        "clauses": [
            {
                "_id": UUID % 2,
                "attribute": "a",
                "op": "in",
                "values": [],
                "contextKind": "user",
                "negate": False,
            }
        ],
        "rolloutContextKind": "user",
    }


@pytest.mark.parametrize("weight", [0, 1, 100_000])
def test_rule__weight__is_shown_as_given(weight: int) -> None:
    [shown] = parse_document(representation(rules=[rule(weight=weight)]), Ids()).to_wire()["rules"]
    assert shown["weight"] == weight


def test_rule__null_weight_and_blank_bucket_by__are_left_out() -> None:
    shown = representation(rules=[rule(weight=None, bucketBy="", rolloutContextKind="")])
    assert parse_document(shown, Ids()).to_wire()["rules"] == [rule()]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rules": [rule(weight=-1)]}, r"rules\[0\]\.weight: "),
        ({"rules": [rule(weight=100_001)]}, r"rules\[0\]\.weight: "),
        ({"rules": [rule(weight=1.5)]}, r"rules\[0\]\.weight: "),
        ({"rules": [rule(weight=True)]}, r"rules\[0\]\.weight: "),
        ({"rules": [rule(clauses=[clause(op="IN")])]}, r"clauses\[0\]\.op: .*'segmentMatch'"),
        ({"rules": [rule(clauses=[clause(values=None)])]}, r"\.values: Input should be a list"),
        ({"rules": [rule(clauses=[clause(values={})])]}, r"\.values: Input should be a list"),
        ({"rules": [rule(clauses=[clause(negate=1)])]}, r"\.negate: "),
        ({"rules": [rule(clauses=[clause(contextKind="multi")])]}, "multi is reserved"),
        ({"rules": [rule(clauses=[clause(attribute="")])]}, "attribute is empty"),
        ({"rules": [rule(clauses=[clause(op="segmentMatch", values=[1])])]}, "segment keys"),
        ({"rules": [rule(clauses=[clause(), clause()])]}, "two clauses of a rule have one _id"),
        ({"rules": [rule(), rule()]}, "two rules have one _id"),
        ({"rules": [{}]}, r"rules\[0\]\.clauses: Field required"),
        ({"rules": ["x"]}, r"rules\[0\]: Input should be an object"),
        ({"included": ["ok", " "]}, "included: entry 1: .*blank"),
        ({"included": "abc"}, "included: Input should be a list"),
        ({"includedContexts": [{"contextKind": "a b", "values": []}]}, "contextKind: "),
        ({"excludedContexts": [{}] * 1_001}, "excludedContexts: too many items"),
        ({"name": " "}, "name: "),
        ({"name": None}, "name: "),
        ({"tags": ["a b"]}, r"tags\[0\]: "),
    ],
)
def test_parse_document__something_wrong__refused_with_its_place(
    fields: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidRequest, match=message):
        parse_document(representation(**fields), Ids())


def test_parse_document__over_the_limit_in_all_lists__refused() -> None:
    half = [f"k{number}" for number in range(MOST_TARGETS // 2)]
    apart = [{"contextKind": "org", "values": half}]
    full = representation(included=half, excludedContexts=apart)
    assert parse_document(full, Ids()).target_count == MOST_TARGETS
    with pytest.raises(InvalidRequest, match="15,001 targets"):
        parse_document(full | {"excluded": ["one more"]}, Ids())


@pytest.mark.parametrize(
    ("field", "said"),
    [
        (
            {"wieght": 5},
            r"rules\[0\]: unknown field wieght; nearest: weight; fields: _id",
        ),
        ({"bucket_by": "x"}, r"rules\[0\].bucket_by: there is no such field"),
        ({"id": "x"}, r"rules\[0\].id: there is no such field"),
    ],
)
def test_parse_document__unknown_fields_of_a_rule__are_refused(
    field: dict[str, object], said: str
) -> None:
    with pytest.raises(InvalidRequest, match=said):
        parse_document(representation(rules=[rule() | field]), Ids())


def test_encode_targeting__parsed_again__is_the_same() -> None:
    shown = representation(included=["é", "a", "a"], rules=[rule(weight=0)])
    document = parse_document(shown, Ids())
    stored = json.loads(encode_targeting(document) or "")
    again = parse_document({"name": document.name, **stored}, Ids())
    assert again == document
    assert again.to_wire() == document.to_wire()


def test_list_references__each_once_in_order() -> None:
    assert list_references(_rules("b", "a", "b")) == ("b", "a")


@pytest.mark.parametrize(
    ("others", "way"),
    [
        ({}, None),
        ({"b": ("c",), "c": ("b",)}, None),
        ({"b": ("a",)}, ("a", "b", "a")),
        ({"b": ("c", "d"), "c": ("c",), "d": ("e",), "e": ("a",)}, ("a", "b", "d", "e", "a")),
    ],
)
def test_find_circle__rules_of_others__found_only_through_the_segment(
    others: dict[str, tuple[str, ...]], way: tuple[str, ...] | None
) -> None:
    asked: list[str] = []

    def rules_of(key: str) -> tuple[Rule, ...]:
        asked.append(key)
        return _rules(*others.get(key, ()))

    others_read = OtherSegments(read_rules=rules_of, may_see=knows_all)
    assert find_cycle("a", _rules("b"), others_read) == way
    assert len(set(asked)) == len(asked)


def test_require_no_circle__itself__refused_with_the_way() -> None:
    with pytest.raises(InvalidRequest, match="a -> a"):
        require_no_cycle("a", _rules("a"), NO_OTHERS)


def test_require_no_circle__through_a_segment_out_of_sight__refused_without_the_way() -> None:
    others = {"b": _rules("hidden"), "hidden": _rules("a")}
    with pytest.raises(InvalidRequest, match=r"in a circle$"):
        require_no_cycle(
            "a", _rules("b"), OtherSegments(others.__getitem__, lambda key: key != "hidden")
        )
