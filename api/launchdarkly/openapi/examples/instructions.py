"""One instruction of each kind that a semantic patch knows, on the examples' segments."""

from typing import Any, Final

from api.launchdarkly.openapi.examples import names

_CLAUSE: Final = {
    "attribute": "country",
    "op": "in",
    "values": ["de", "at"],
    "contextKind": "user",
    "negate": False,
}
_USERS: Final = ["user-5", "user-6"]
_MEMBERS: Final = ["customer-5678", "customer-9012"]
_DEVICES: Final = {"contextKind": "device", "values": ["device-2"]}
_A_CLAUSE: Final = {"ruleId": names.RULE, "clauseId": names.CLAUSE}

INSTRUCTIONS: Final[tuple[dict[str, Any], ...]] = (
    {"kind": "addTags", "values": ["mobile"]},
    {"kind": "removeTags", "values": ["mobile"]},
    {"kind": "updateName", "value": "Beta testers"},
    {"kind": "updateDescription", "value": "People who try things first"},
    {"kind": "addIncludedTargets", **_DEVICES},
    {"kind": "removeIncludedTargets", **_DEVICES},
    {"kind": "addIncludedUsers", "values": _USERS},
    {"kind": "removeIncludedUsers", "values": _USERS},
    {"kind": "addExcludedTargets", "contextKind": "device", "values": ["device-3"]},
    {"kind": "removeExcludedTargets", "contextKind": "device", "values": ["device-3"]},
    {"kind": "addExcludedUsers", "values": ["user-7"]},
    {"kind": "removeExcludedUsers", "values": ["user-7"]},
    {"kind": "addRule", "clauses": [_CLAUSE], "description": "From two countries"},
    {"kind": "removeRule", "ruleId": names.SECOND_RULE},
    {"kind": "reorderRules", "ruleIds": [names.SECOND_RULE, names.RULE]},
    {"kind": "updateRuleDescription", "ruleId": names.RULE, "description": "Testers"},
    {
        "kind": "updateRuleRolloutAndContextKind",
        "ruleId": names.RULE,
        "weight": 20_000,
        "contextKind": "user",
    },
    {"kind": "addClauses", "ruleId": names.RULE, "clauses": [_CLAUSE]},
    {"kind": "removeClauses", "ruleId": names.RULE, "clauseIds": [names.CLAUSE]},
    {"kind": "updateClause", **_A_CLAUSE, "clause": _CLAUSE},
    {"kind": "addValuesToClause", **_A_CLAUSE, "values": ["@example.net"]},
    {"kind": "removeValuesFromClause", **_A_CLAUSE, "values": ["@example.net"]},
    {"kind": "addBigSegmentIncludedTargets", "values": _MEMBERS},
    {"kind": "removeBigSegmentIncludedTargets", "values": _MEMBERS},
    {"kind": "addBigSegmentExcludedTargets", "values": ["customer-3456"]},
    {"kind": "removeBigSegmentExcludedTargets", "values": ["customer-3456"]},
    {"kind": "processBigSegmentImport", "importId": names.IMPORT},
)

#: Several at once, with all that can be said beside them.
STORY: Final = {
    "environmentKey": names.ENVIRONMENT,
    "instructions": [
        {"kind": "addTags", "values": ["mobile"]},
        {"kind": "addIncludedUsers", "values": _USERS},
        {"kind": "addRule", "clauses": [_CLAUSE], "description": "From two countries"},
    ],
    "comment": "asked for by the beta team",
}
