"""Semantic patches against a model that is nothing but sets and lists."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from api.errors import InvalidRequest
from tests.support.segments.segments import Ids, instructed, representation, rule

Sides = dict[str, dict[str, list[str]]]

keys = st.lists(st.sampled_from("abcd"), max_size=3)
kinds = st.sampled_from(["user", "org"])
verbs = st.sampled_from(["add", "remove"])
sides = st.sampled_from(["Included", "Excluded"])
on_targets = st.builds(
    lambda verb, side, kind, values: {
        "kind": f"{verb}{side}Targets",
        "contextKind": kind,
        "values": values,
    },
    verbs,
    sides,
    kinds,
    keys,
) | st.builds(
    lambda verb, side, values: {"kind": f"{verb}{side}Users", "values": values}, verbs, sides, keys
)
rule_ids = st.sampled_from(["r1", "r2", "r3", Ids()()])
on_rules = st.one_of(
    st.builds(lambda before: {"kind": "addRule", "beforeRuleId": before}, st.none() | rule_ids),
    st.builds(lambda gone: {"kind": "removeRule", "ruleId": gone}, rule_ids),
    st.builds(
        lambda order: {"kind": "reorderRules", "ruleIds": order},
        st.lists(rule_ids, max_size=4, unique=True),
    ),
)


def _modelled_targets(sides: Sides, instructions: list[dict[str, Any]]) -> Sides | None:
    now = {side: {kind: list(own) for kind, own in of.items()} for side, of in sides.items()}
    for one in instructions:
        side = "included" if "Included" in one["kind"] else "excluded"
        own = now[side][one.get("contextKind", "user")]
        for key in one["values"]:
            if one["kind"].startswith("add") and key not in own:
                own.append(key)
            elif one["kind"].startswith("remove") and key in own:
                own.remove(key)
    for kind in ("user", "org"):
        for mine, other in (("included", "excluded"), ("excluded", "included")):
            new = set(now[mine][kind]) - set(sides[mine][kind])
            if new & set(now[other][kind]):
                return None
    return now


distinct = st.lists(st.sampled_from("abcd"), unique=True, max_size=3)
side = st.fixed_dictionaries({"user": distinct, "org": distinct})


@given(
    before=st.fixed_dictionaries({"included": side, "excluded": side}),
    instructions=st.lists(on_targets, max_size=6),
)
@settings(max_examples=100, deadline=None)
def test_targets__any_instructions__as_the_model_says(
    before: Sides, instructions: list[dict[str, Any]]
) -> None:
    contexts = {
        name: [{"contextKind": "org", "values": of["org"]}] if of["org"] else []
        for name, of in before.items()
    }
    shown = representation(
        included=before["included"]["user"],
        excluded=before["excluded"]["user"],
        includedContexts=contexts["included"],
        excludedContexts=contexts["excluded"],
    )
    expected = _modelled_targets(before, instructions)
    try:
        result = instructed(*instructions, shown=shown)
    except InvalidRequest:
        assert expected is None
        return
    document = result.document
    of_org = {
        "included": [key for one in document.included_contexts for key in one.values],
        "excluded": [key for one in document.excluded_contexts for key in one.values],
    }
    assert expected == {
        "included": {"user": list(document.included), "org": of_org["included"]},
        "excluded": {"user": list(document.excluded), "org": of_org["excluded"]},
    }
    assert result.changed is (expected != before)


def _modelled_rules(instructions: list[dict[str, Any]]) -> list[str] | None:
    now, ids = ["r1", "r2", "r3"], Ids()
    new = [ids() for one in instructions if one["kind"] == "addRule"]
    for one in instructions:
        if one["kind"] == "removeRule":
            now = [rule_id for rule_id in now if rule_id != one["ruleId"]]
        elif one["kind"] == "reorderRules":
            if sorted(one["ruleIds"]) != sorted(now):
                return None
            now = list(one["ruleIds"])
        elif one["beforeRuleId"] not in (None, *now):
            return None
        else:
            before = one["beforeRuleId"]
            now.insert(len(now) if before is None else now.index(before), new.pop(0))
    return now


@given(instructions=st.lists(on_rules, max_size=4))
@settings(max_examples=150, deadline=None)
def test_rules__any_instructions__as_the_model_says(instructions: list[dict[str, Any]]) -> None:
    shown = representation(rules=[rule("r1"), rule("r2"), rule("r3")])
    expected = _modelled_rules(instructions)
    try:
        document = instructed(*instructions, shown=shown).document
    except InvalidRequest:
        assert expected is None
    else:
        assert [one.id for one in document.rules] == expected
