"""Definitions of flags: what is taken, and where a fault is said to be."""

import json
from typing import Any, Final

import pytest

from api.errors import InvalidRequest
from api.vercel.definitions import flags
from api.vercel.definitions.flags import read_definitions

#: Every form of the packed type set.
WHOLE: Final[dict[str, Any]] = {
    "variants": [False, True, {"a": [None, 1.5, "x"]}],
    "variantIds": ["off", "on"],
    "seed": 4_294_967_295,
    "experiment": {
        "id": "exp_1",
        "base": ["user", "id"],
        "weights": [1, 2.5],
        "defaultVariant": 0,
        "enrollmentSeed": 7,
        "rampId": "r",
        "rampPercentage": 12.5,
    },
    "environments": {
        "paused": 2,
        "preview": {"reuse": "production"},
        "development": {"reuse": "preview"},
        "production": {
            "targets": [{}, {"user": {"id": ["u1", ""]}}],
            "rules": [
                {"conditions": [], "outcome": 1},
                {"conditions": [["segment", "eq", "seg_1"]], "outcome": {"type": "experiment"}},
                {
                    "conditions": [["segment", "!oneOf", ["seg_2", "seg_1"]]],
                    "outcome": {
                        "type": "split",
                        "base": ["user", "id"],
                        "weights": [0, 1, 3],
                        "defaultVariant": 2,
                    },
                },
                {
                    "conditions": [
                        [["user", "tags", 0], "eq", True],
                        [["user", "plan"], "!eq", 1.5],
                        [["user", "plan"], "oneOf", ["a", 2]],
                        [["user", "plan"], "containsAllOf", [], {"i": True}],
                        [["user", "plan"], "startsWith", "x", "i"],
                        [["user", "plan"], "before", "2024-02-01T00:00:00Z", {}],
                        [["user", "plan"], "ex"],
                        [["user", "age"], "gte", 18],
                        [["user", "age"], "lt", "b"],
                        [
                            ["user", "mail"],
                            "!regex",
                            {"type": "regex", "pattern": "(?=a)", "flags": "gi"},
                        ],
                    ],
                    "outcome": {
                        "type": "rollout",
                        "base": ["user", "id"],
                        "startTimestamp": 1_700_000_000_000,
                        "rollFromVariant": 0,
                        "rollToVariant": 1,
                        "defaultVariant": 0,
                        "slots": [[1_000, 60_000], [50_000.5, 0]],
                    },
                },
            ],
            "fallthrough": 0,
        },
    },
}
_IDS: Final = {"seg_1": "seg_1", "seg_2": "seg_2", "beta": "seg_1"}


def _with(path: str, value: object) -> dict[str, Any]:
    """Give the whole flag, changed at one place: names and numbers separated by slashes."""
    changed: Any = json.loads(json.dumps(WHOLE))
    *outer, last = (int(part) if part.isdigit() else part for part in path.split("/"))
    inner = changed
    for part in outer:
        inner = inner[part]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return {"flag": changed}


def test_definitions__every_form__come_back_as_they_were_sent() -> None:
    found = read_definitions({"flag": WHOLE, "other-flag": WHOLE}, _IDS.get)

    assert json.dumps(found.flags) == json.dumps({"flag": WHOLE, "other-flag": WHOLE})
    assert found.users == {
        "seg_1": ("flag", "other-flag"),
        "seg_2": ("flag", "other-flag"),
    }


def test_definitions__none__are_none() -> None:
    assert read_definitions({}, _IDS.get).flags == {}


def test_segment__named_by_its_slug__is_named_by_its_id() -> None:
    rules = "environments/production/rules"
    found = read_definitions(_with(f"{rules}/1/conditions/0/2", "beta"), _IDS.get)

    written = found.flags["flag"]["environments"]["production"]["rules"]
    assert written[1]["conditions"] == [["segment", "eq", "seg_1"]]
    found = read_definitions(_with(f"{rules}/2/conditions/0/2", ["beta", "seg_2"]), _IDS.get)
    written = found.flags["flag"]["environments"]["production"]["rules"]
    assert written[2]["conditions"] == [["segment", "!oneOf", ["seg_1", "seg_2"]]]


def test_condition__what_flags_core_does_not_read__is_left_out() -> None:
    rule = "environments/production/rules/3/conditions"
    for given, kept in (
        ([["user", "a"], "ex", "x"], [["user", "a"], "ex"]),
        (["segment", "eq", "seg_1", {"i": True}], ["segment", "eq", "seg_1"]),
    ):
        found = read_definitions(_with(rule, [given]), _IDS.get).flags["flag"]
        assert found["environments"]["production"]["rules"][3]["conditions"] == [kept]


_RULES: Final = "environments/production/rules"
_FLAG: Final = "flag.environments.production.rules"


@pytest.mark.parametrize(
    ("path", "value", "place", "fault"),
    [
        ("variants", ..., "flag", "variants is missing"),
        ("variants", [], "flag.variants", "1 to 1,000 items"),
        ("variants", "a", "flag.variants", "must be an array"),
        ("varints", 1, "flag", "unknown field varints; nearest: variants"),
        ("variantIds", [1], "flag.variantIds[0]", "must be a string"),
        ("seed", -1, "flag.seed", "integer from 0 to 4,294,967,295"),
        ("seed", 1.5, "flag.seed", "integer"),
        ("seed", True, "flag.seed", "integer"),
        ("experiment/weights", [1, -1], "flag.experiment.weights[1]", "0 at least"),
        ("experiment/rampPercentage", 101, "flag.experiment.rampPercentage", "100 at most"),
        ("experiment/defaultVariant", 3, "flag.experiment.defaultVariant", "0 to 2"),
        ("environments", [], "flag.environments", "must be an object"),
        ("environments/paused", 3, "flag.environments.paused", "0 to 2"),
        ("environments/toString", 0, "flag.environments.toString", "every object"),
        ("environments/paused", {}, "flag.environments.paused", "fallthrough is missing"),
        ("environments/preview/reuse", "none", "flag.environments", "not there"),
        ("environments/production", {"reuse": "preview"}, "flag.environments", "in a cycle"),
        (
            "environments/preview/rules",
            [],
            "flag.environments.preview",
            "unknown field rules",
        ),
        (
            "environments/production/targets",
            [{}] * 4,
            "flag.environments.production.targets",
            "0 to 3 items",
        ),
        (
            "environments/production/targets/1/user/id",
            [1],
            "flag.environments.production.targets[1].user.id[0]",
            "must be a string",
        ),
        (
            "environments/production/targets/1/__proto__",
            {},
            "flag.environments.production.targets[1].__proto__",
            "every object of JavaScript",
        ),
        (f"{_RULES}/0/outcome", "x", f"{_FLAG}[0].outcome", "integer from 0 to 2"),
        (f"{_RULES}/0/outcome", {}, f"{_FLAG}[0].outcome", "type is missing"),
        (f"{_RULES}/0/outcome", {"type": "all"}, f"{_FLAG}[0].outcome.type", "must be one of"),
        (f"{_RULES}/0/conditions", [["segment", "eq"]], f"{_FLAG}[0].conditions[0][1]", "third"),
        (
            f"{_RULES}/1/conditions/0/2",
            "none",
            f"{_FLAG}[1].conditions[0][2]",
            "no segment has this id or slug",
        ),
        (
            f"{_RULES}/2/conditions/0/2/1",
            "none",
            f"{_FLAG}[2].conditions[0][2][1]",
            "no segment has this id or slug",
        ),
        (f"{_RULES}/2/conditions/0/2", "beta", f"{_FLAG}[2].conditions[0][2]", "an array"),
        (f"{_RULES}/1/conditions/0/1", "ex", f"{_FLAG}[1].conditions[0][1]", "for segments"),
        (f"{_RULES}/3/conditions/0/0", "segmen", f"{_FLAG}[3].conditions[0][0]", "an array"),
        (f"{_RULES}/3/conditions/0/0", [], f"{_FLAG}[3].conditions[0][0]", "1 to 16 items"),
        (
            f"{_RULES}/3/conditions/0/0/1",
            "constructor",
            f"{_FLAG}[3].conditions[0][0][1]",
            "every object of JavaScript",
        ),
        (f"{_RULES}/3/conditions/0/1", "equals", f"{_FLAG}[3].conditions[0][1]", "one of eq"),
        (f"{_RULES}/3/conditions/0/2", None, f"{_FLAG}[3].conditions[0][2]", "string or a number"),
        (f"{_RULES}/3/conditions/2/2", "a", f"{_FLAG}[3].conditions[2][2]", "an array"),
        (f"{_RULES}/3/conditions/2/2/1", True, f"{_FLAG}[3].conditions[2][2][1]", "a number"),
        (f"{_RULES}/3/conditions/1/2", 10**400, f"{_FLAG}[3].conditions[1][2]", "of a double"),
        (f"{_RULES}/3/conditions/3/3", {"x": 1}, f"{_FLAG}[3].conditions[3][3]", "unknown field"),
        (f"{_RULES}/3/conditions/3/3", "g", f"{_FLAG}[3].conditions[3][3]", "one of i"),
        (f"{_RULES}/3/conditions/3/3/i", 1, f"{_FLAG}[3].conditions[3][3].i", "true or false"),
        (f"{_RULES}/3/conditions/9/2/flags", "ii", f"{_FLAG}[3].conditions[9][2].flags", "once"),
        (f"{_RULES}/3/conditions/9/2", "a", f"{_FLAG}[3].conditions[9][2]", "an object"),
        (f"{_RULES}/3/outcome/slots/0", [1], f"{_FLAG}[3].outcome.slots[0]", "2 to 2 items"),
        (
            f"{_RULES}/3/outcome/slots/0/0",
            100_001,
            f"{_FLAG}[3].outcome.slots[0][0]",
            "100,000 at most",
        ),
    ],
)
def test_definitions__wrong_somewhere__are_refused_with_the_place(
    path: str, value: object, place: str, fault: str
) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        read_definitions(_with(path, value), _IDS.get)

    said, _, why = str(refusal.value).partition(": ")
    assert said == place
    assert fault in why


def test_experiment__that_the_flag_has_not__is_refused() -> None:
    with pytest.raises(InvalidRequest, match="the flag has no experiment"):
        read_definitions(_with("experiment", ...), _IDS.get)


@pytest.mark.parametrize("body", [None, [], 1, "x"])
def test_definitions__that_are_no_object__are_refused(body: object) -> None:
    with pytest.raises(InvalidRequest, match="must be an object"):
        read_definitions(body, _IDS.get)


@pytest.mark.parametrize("key", ["", "a b", "é", "a" * 513])
def test_flag__whose_key_could_not_be_a_slug__is_refused(key: str) -> None:
    with pytest.raises(InvalidRequest, match="a flag's key has"):
        read_definitions({key: WHOLE}, _IDS.get)


@pytest.mark.parametrize("key", ["__proto__", "constructor"])
def test_flag__whose_key_every_object_has__is_refused(key: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^{key}: every object of JavaScript"):
        read_definitions({key: WHOLE}, _IDS.get)


@pytest.mark.parametrize(
    ("most", "allowed", "place"),
    [
        ("MOST_FLAGS", 1, "the document"),
        ("MOST_VARIANTS", 2, "one.variants"),
        ("MOST_ENVIRONMENTS", 3, "one.environments"),
        ("MOST_RULES", 3, "one.environments.production.rules"),
    ],
)
def test_definitions__one_too_many__are_refused(
    monkeypatch: pytest.MonkeyPatch, most: str, allowed: int, place: str
) -> None:
    sent = {"one": WHOLE, "two": WHOLE}
    monkeypatch.setattr(flags, most, allowed + 1)
    read_definitions(sent, _IDS.get)
    monkeypatch.setattr(flags, most, allowed)
    with pytest.raises(InvalidRequest) as refusal:
        read_definitions(sent, _IDS.get)
    assert str(refusal.value).partition(": ")[0] == place
