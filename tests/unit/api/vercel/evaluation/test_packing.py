"""The packed form of a segment."""

from api.vercel.evaluation import pack_segment
from tests.unit.api.vercel.evaluation.build import (
    condition,
    on_segments,
    regex,
    rule,
    split,
    targets,
)


def test_pack__every_form__as_flags_core_reads_it() -> None:
    listed = condition("oneOf", ["a", 1], ignore_case=True)
    listed["rhs"]["type"] = "list/inline"
    data = {
        "include": {"user": {"id": [{"value": "u1", "note": "n"}]}},
        "exclude": targets(),
        "rules": [
            rule(condition("ex"), condition("eq", "x"), listed),
            rule(on_segments("eq", "seg_1"), condition("regex", regex("^a", "i")), rule_id="r2"),
            rule(condition("ex", ignore_case=True), outcome=split(1_000)),
        ],
    }
    assert pack_segment(data) == {
        "include": {"user": {"id": ["u1"]}},
        "exclude": {"user": {}},
        "rules": [
            {
                "conditions": [
                    [["user", "v"], "ex"],
                    [["user", "v"], "eq", "x"],
                    [["user", "v"], "oneOf", ["a", 1], {"i": True}],
                ],
                "outcome": 1,
            },
            {
                "conditions": [
                    ["segment", "eq", "seg_1"],
                    [["user", "v"], "regex", {"type": "regex", "pattern": "^a", "flags": "i"}],
                ],
                "outcome": 1,
            },
            {
                "conditions": [[["user", "v"], "ex"]],
                "outcome": {"type": "split", "base": ["user", "id"], "passPromille": 1_000},
            },
        ],
    }


def test_pack__absent_parts__stay_absent() -> None:
    assert pack_segment({}) == {}
