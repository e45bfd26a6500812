"""Patches of the recorded examples' segments."""

from typing import Any, Final

from tests.support.documents import names

#: Without a rollout, and with one.
RULES: Final = [
    {
        "_id": names.RULE,
        "description": "Testers who asked for it",
        "clauses": [
            {
                "_id": names.CLAUSE,
                "attribute": "email",
                "op": "endsWith",
                "values": ["@example.com", "@example.org"],
                "contextKind": "user",
                "negate": False,
            }
        ],
        "rolloutContextKind": "user",
    },
    {
        "_id": names.SECOND_RULE,
        "clauses": [
            {
                "_id": names.SECOND_CLAUSE,
                "attribute": "version",
                "op": "semVerGreaterThan",
                "values": ["2.1.0"],
                "contextKind": "device",
                "negate": False,
            }
        ],
        "weight": 25_000,
        "rolloutContextKind": "device",
        "bucketBy": "country",
    },
]
#: Patches of the standard segment; the last one leaves it with two rules.
JSON_PATCHES: Final[dict[str, Any]] = {
    "json patch": [
        {"op": "replace", "path": "/description", "value": "Testers"},
        {"op": "add", "path": "/included/-", "value": "user-4"},
    ],
    "json patch that wants a field to be as it was read": [
        {"op": "test", "path": "/key", "value": names.SEGMENT},
        {"op": "copy", "from": "/name", "path": "/description"},
        {"op": "remove", "path": "/tags"},
    ],
    "json patch with a comment": {
        "patch": [{"op": "add", "path": "/tags/-", "value": "beta"}],
        "comment": "asked for by the beta team",
    },
    "merge patch": {"description": "Testers", "tags": ["beta", "mobile"]},
    "merge patch with a comment": {
        "merge": {
            "rules": RULES,
            "included": ["user-1", "user-2"],
            "excluded": ["user-3"],
            "includedContexts": [{"contextKind": "device", "values": ["device-1"]}],
        },
        "comment": "back to two rules",
    },
}
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

#: One of each kind but `processBigSegmentImport`, which needs an import that waits.
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
