"""What bigseg and LaunchDarkly's Python SDK are known to answer differently, one by one.

In every row bigseg answers what the Go SDK answers (go-server-sdk-evaluation v3.0.1), but
for references to segments that do not exist: there no SDK says that anything is wrong.
"""

from dataclasses import dataclass
from typing import Any, Literal

Answer = Literal[True, False, "error"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One segment, one context, two answers."""

    about: str
    segment: dict[str, Any]
    context: dict[str, Any]
    ours: Answer
    theirs: Answer


USER = {"kind": "user", "key": "ada"}
BOTH = {"kind": "multi", "user": {"key": "ada"}, "org": {"key": "acme"}}


def _segment(*rules: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"key": "s", "version": 1, "salt": "salt", "rules": [*rules], **fields}


def _clause(op: str, *values: Any, attribute: str = "value", **fields: Any) -> dict[str, Any]:
    clause = {"contextKind": "user", "attribute": attribute, "op": op, "values": [*values]}
    return {"clauses": [{**clause, **fields}]}


def _value(about: str, op: str, value: Any, operand: Any, *, ours: bool) -> Difference:
    """Give a row on one operator, an attribute's value and a clause's."""
    context = {**USER, "value": value}
    return Difference(about, _segment(_clause(op, operand)), context, ours, not ours)


def _pattern(about: str, pattern: str, text: str, *, ours: bool) -> Difference:
    return _value(f"patterns: {about}", "matches", text, pattern, ours=ours)


def _date(about: str, text: float | str, *, ours: bool) -> Difference:
    """Give a row on a date that one of the two does not take for one."""
    return _value(f"dates: {about}", "after", text, 0, ours=ours)


_USER_TARGETS = [{"contextKind": "user", "values": ["ada"]}]
_SHARE = {"clauses": [], "rolloutContextKind": "user", "weight": 1}

DIFFERENCES = (
    Difference(
        "targets by kind: those of kind user are not looked at for a mere user",
        _segment(includedContexts=_USER_TARGETS),
        USER,
        ours=False,
        theirs=True,
    ),
    Difference(
        "targets by kind: nor do they exclude one",
        _segment({"clauses": []}, excludedContexts=_USER_TARGETS),
        USER,
        ours=True,
        theirs=False,
    ),
    Difference(
        "segmentMatch: of a segment that does not exist is an error, not everybody",
        _segment(_clause("segmentMatch", "gone", attribute="", negate=True)),
        USER,
        ours="error",
        theirs=True,
    ),
    Difference(
        "segmentMatch: of a segment that does not exist is an error, not nobody",
        _segment(_clause("segmentMatch", "gone", attribute="")),
        USER,
        ours="error",
        theirs=False,
    ),
    Difference(
        "references: a malformed one is an error even if the context lacks the kind",
        _segment(_clause("in", "x", attribute="/a//b", contextKind="org")),
        USER,
        ours="error",
        theirs=False,
    ),
    Difference(
        "references: /kind with a kind is that kind's own attribute, not a question about all",
        _segment(_clause("in", "org", attribute="/kind")),
        BOTH,
        ours=False,
        theirs=True,
    ),
    Difference(
        "rollouts: a context without the rollout's kind is not let through, even at 100 %",
        _segment({**_SHARE, "rolloutContextKind": "org", "weight": 100_000}),
        USER,
        ours=False,
        theirs=True,
    ),
    Difference(
        "rollouts: nor at 0 %, where Python lets it through",
        _segment({**_SHARE, "rolloutContextKind": "org", "weight": 0}),
        USER,
        ours=False,
        theirs=True,
    ),
    Difference(
        "rollouts: a malformed bucketBy is an error even if the context lacks the kind",
        _segment({**_SHARE, "rolloutContextKind": "org", "bucketBy": "/"}),
        USER,
        ours="error",
        theirs=True,
    ),
    Difference(
        "rollouts: a float without a fraction is an integer; Python puts it at position 0",
        _segment({**_SHARE, "bucketBy": "value"}),
        {**USER, "value": 33_333.0},
        ours=False,
        theirs=True,
    ),
    Difference(
        "rollouts: an integer beyond 2^53 is the double next to it",
        _segment({**_SHARE, "bucketBy": "value", "weight": 50_000}),
        {**USER, "value": 2**53 + 15},
        ours=True,
        theirs=False,
    ),
    Difference(
        "rollouts: positions are 32-bit floats; this one is rounded up to the weight",
        _segment({**_SHARE, "weight": 50_000}),
        {**USER, "key": "26116418"},
        ours=False,
        theirs=True,
    ),
    _value("in: objects equal nothing", "in", {"a": 1}, {"a": 1}, ours=False),
    _value("in: nor do arrays within an array", "in", [["a"]], ["a"], ours=False),
    _value("in: nor does null within an array", "in", [None], None, ours=False),
    _value("in: integers beyond 2^53 are doubles", "in", 2**53, 2**53 + 1, ours=True),
    _pattern("$ is the end, not before a last newline", "a$", "a\n", ours=False),
    _pattern("\\d is ASCII", "^\\d$", "\u0663", ours=False),
    _pattern("\\w is ASCII", "^\\w$", "\u00e9", ours=False),
    _pattern("\\b is ASCII", "\\b\u00e9", "\u00e9", ours=False),
    _pattern("\\s has no vertical tab", "\\s", "\v", ours=False),
    _pattern("no look-ahead", "a(?=b)", "ab", ours=False),
    _pattern("no look-behind", "(?<=a)b", "ab", ours=False),
    _pattern("no back-references", "(a)\\1", "aa", ours=False),
    _pattern("no possessive repetition", "a++b", "ab", ours=False),
    _pattern("no repetition above 1,000", "^a{1001}$", "a" * 1_001, ours=False),
    _pattern("no comments", "(?#note)a", "a", ours=False),
    _pattern("no \\Z", "a\\Z", "a", ours=False),
    _pattern("no \\u", "\\u00e9", "\u00e9", ours=False),
    _pattern("no leading-comma repetition", "^a{,2}$", "aa", ours=False),
    _pattern("\\z", "a\\z", "a", ours=True),
    _pattern("Unicode classes", "^\\pL$", "\u00e9", ours=True),
    _pattern("POSIX classes", "^[[:alpha:]]$", "a", ours=True),
    _pattern("quoting", "^\\Qa.c\\E$", "a.c", ours=True),
    _pattern("braces in hexadecimal", "^\\x{e9}$", "\u00e9", ours=True),
    _pattern("groups named without a P", "^(?<n>a)$", "a", ours=True),
    _pattern("flags in the middle", "a(?i)b", "aB", ours=True),
    _date("an hour of one digit", "2020-06-09T8:53:52Z", ours=True),
    _date("the 60th second", "2020-06-09T18:53:60Z", ours=True),
    _date("offsets of a day and more", "2020-06-09T18:53:52+99:00", ours=True),
    _date("30 February is in March", "2020-02-30T00:00:00Z", ours=True),
    _date("a space is no T", "2020-06-09 18:53:52Z", ours=False),
    _date("nor is any other character", "2020-06-09X18:53:52Z", ours=False),
    _date("seconds are not optional", "2020-06-09T18:53Z", ours=False),
    _date("no comma before the fraction", "2020-06-09T18:53:52,5Z", ours=False),
    _date("at most nine digits of a second", "2020-06-09T18:53:52.1234567891Z", ours=False),
    _date("a colon in the offset", "2020-06-09T18:53:52+0000", ours=False),
    _date("no seconds in the offset", "2020-06-09T18:53:52+00:00:01", ours=False),
    _date("no basic format", "20200609T185352Z", ours=False),
    _date("no weeks", "2020-W24-2T18:53:52Z", ours=False),
    _date("milliseconds are whole", 0.5, ours=False),
    _date("nanoseconds count", "1970-01-01T00:00:00.000000001Z", ours=True),
)
