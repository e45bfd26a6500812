"""Random segments and contexts on which every SDK agrees, and which match about as often as not.

What SDKs disagree about is kept out here, each with a word on why; those cases are listed in
``evaluation_differences``.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support.segments.evaluation import Lists

KINDS = ("user", "org", "device")
KEYS = ("ada", "bob", "cy", "dé", "e e")
CONTEXTS = 10
SEGMENTS = 10

# No space for the T, no missing seconds, no rolling over: SDKs read those in their own ways.
DATES = (
    *("2020-06-09T18:53:52Z", "2020-06-09T18:53:52.000Z", "2020-06-09T19:53:52+01:00"),
    *("2020-06-09T18:53:52.123456Z", "2021-01-01T00:00:00-08:30", "1969-12-31T23:59:59Z"),
    *("2020-06-09", "18:53:52Z", "2020-13-01T00:00:00Z", "1591728832000"),
    *(1_591_728_832_000, 1_591_728_832_001, 0, -1, 1e12),
)
VERSIONS = (
    *("2", "2.0", "2.0.0", "2.0.1", "10.0.0", "2-rc", "2.0-rc.1", "2.0.0-rc.1", "2.0.0-rc.10"),
    *("2.0.0-rc.beta", "2.0.0-alpha", "2+b", "2.0.0+b.1", "2.0.0-rc.1+b", "02.0.0", "v2.0.0"),
    *("2.0.0.0", "2.0.", "2.0.0-", "2.0.0-01", "2a", "2.0.0 ", "", "-1", "2.0.0-0", "2.0.0-a-b"),
)
# Nothing that Python and RE2 read differently: see the README of api/evaluation.
PATTERNS = (
    *("a", "^a", "b$", "^$", "(a|b)c", "[a-c]{2}", "a.c", "(?i)ABC", "a+b*", "\\.", "[^a]", ".é"),
    *("(", "[", "*a", "a**", "x{2,1}", "", "\\bab", "\\s"),
)
TEXTS = ("a", "ab", "abc", "bc", "B", "", "é", "aé", "1", "true", "a.c", "ada", "user", "org")
NUMBERS = (0, 1, 1.0, -1, 2.5, 99, 1e3, 1000, 99.0001, -7.5)
BOOLEANS = (True, False)

POOLS: dict[str, tuple[Any, ...]] = {
    "country": TEXTS,
    "age": NUMBERS,
    "flag": BOOLEANS,
    "seen": DATES,
    "version": VERSIONS,
    # Not a whole float: 3.0 is an integer to some.
    "cohort": ("x", "y", 7, 12_345, -3, True, 2.5, ["x"], {"x": 1}),
    "a/b": TEXTS,
    "/odd": TEXTS,
    "~t": NUMBERS,
}
ANYTHING = (*TEXTS, *NUMBERS, *BOOLEANS, *DATES, *VERSIONS)
OPERANDS: dict[str, tuple[Any, ...]] = {
    "in": ANYTHING,
    **dict.fromkeys(("startsWith", "endsWith", "contains"), (*TEXTS, 1, True)),
    "matches": (*PATTERNS, 5),
    **dict.fromkeys(
        ("lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual"),
        (*NUMBERS, "1", True),
    ),
    **dict.fromkeys(("before", "after"), (*DATES, "x", True)),
    **dict.fromkeys(("semVerEqual", "semVerLessThan", "semVerGreaterThan"), (*VERSIONS, 2)),
    "unheardOf": TEXTS,
}
#: Operators that have something to say of an attribute.
FITTING = {
    "age": ("lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual", "in"),
    "seen": ("before", "after"),
    "version": ("semVerEqual", "semVerLessThan", "semVerGreaterThan"),
    "country": ("in", "startsWith", "endsWith", "contains", "matches"),
}
REFERENCES = ("/address/city", "/address/geo/lat", "/a~1b", "/~0t", "/country", "/tags", "/age/x")
MALFORMED = ("", "/", "//", "/a//b", "/a/", "/~2", "/a~")


@dataclass(frozen=True, slots=True)
class Environment:
    """Some segments, some contexts, and what the lists of big ones say by segment and key."""

    segments: list[dict[str, Any]]
    contexts: list[dict[str, Any]]
    lists: dict[tuple[str, str], Lists]


class Generator:
    """Makes one environment; everything follows from the random numbers."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.contexts = [self._context() for _ in range(CONTEXTS)]
        kinds = [_kinds_of(context) for context in self.contexts]
        # SDKs disagree about rules that need a kind the context lacks.
        self.shared = [kind for kind in KINDS if all(kind in some for some in kinds)]
        # And about user targets among those by kind, for a context that is only a user.
        self.targeted = [kind for kind in KINDS if not any(some == [kind] for some in kinds)]
        if "user" not in self.targeted:
            self.targeted = ["org", "device"]

    def environment(self) -> Environment:
        segments = [self._segment(number) for number in range(SEGMENTS)]
        lists = {
            (segment["key"], key): Lists(self._chance(0.2), self._chance(0.2))
            for segment in segments
            for key in KEYS
        }
        return Environment(segments, self.contexts, lists)

    def _chance(self, share: float) -> bool:
        return self.rng.random() < share

    def _some(self, pool: tuple[Any, ...], most: int) -> list[Any]:
        return self.rng.choices(pool, k=self.rng.randint(0, most))

    def _context(self) -> dict[str, Any]:
        kinds = self.rng.sample(KINDS, self.rng.choice((1, 1, 2, 3)))
        if len(kinds) == 1:
            return {"kind": kinds[0], **self._attributes()}
        return {"kind": "multi", **{kind: self._attributes() for kind in kinds}}

    def _attributes(self) -> dict[str, Any]:
        found: dict[str, Any] = {"key": self.rng.choice(KEYS)}
        for name, pool in POOLS.items():
            if self._chance(0.7):
                found[name] = self.rng.choice(pool)
        optional: dict[str, Callable[[], Any]] = {
            "name": lambda: self.rng.choice(TEXTS),
            "anonymous": lambda: self._chance(0.5),
            "tags": lambda: [*self._some(ANYTHING, 3), *self._some((None, ["a"], {"a": 1}), 1)],
            "address": lambda: {"city": self.rng.choice(TEXTS), "geo": {"lat": 2.5}, "x": None},
            "nothing": lambda: None,
        }
        found.update((name, value()) for name, value in optional.items() if self._chance(0.6))
        return found

    def _segment(self, number: int) -> dict[str, Any]:
        document = {
            "key": f"s{number}",
            "version": 1,
            "salt": self.rng.choice(("", "pepper", "é")),
            "included": self._some(KEYS, 1),
            "excluded": self._some(KEYS, 1),
            "includedContexts": self._targets(),
            "excludedContexts": self._targets(),
            "rules": [self._rule() for _ in range(self.rng.randint(0, 3))],
        }
        if self._chance(0.25):
            document["unbounded"] = True
            if self._chance(0.9):
                document["generation"] = self.rng.randint(1, 3)
            if self._chance(0.5):
                document["unboundedContextKind"] = self.rng.choice(("", *KINDS))
        return document

    def _targets(self) -> list[dict[str, Any]]:
        return [
            {"contextKind": self.rng.choice(self.targeted), "values": self._some(KEYS, 1)}
            for _ in range(self.rng.randint(0, 1))
        ]

    def _rule(self) -> dict[str, Any]:
        rule: dict[str, Any] = {"clauses": [self._clause() for _ in range(self.rng.randint(0, 2))]}
        if self._chance(0.4) and self.shared:
            rule["weight"] = self.rng.choice((0, 1, 20_000, 50_000, 80_000, 100_000))
            rule["rolloutContextKind"] = self.rng.choice(self.shared)
            if self._chance(0.4):
                bad = self._chance(0.1)
                rule["bucketBy"] = self.rng.choice(
                    MALFORMED if bad else ("cohort", "/cohort", "key", "/address/city", "none")
                )
        return rule

    def _clause(self) -> dict[str, Any]:
        negate = self._chance(0.3)
        draw = self.rng.random()
        if draw < 0.15:
            values = [f"s{self.rng.randrange(SEGMENTS)}" for _ in range(self.rng.randint(0, 2))]
            return {"attribute": "", "op": "segmentMatch", "values": values, "negate": negate}
        if draw < 0.18 and self.shared:
            attribute, kind = self.rng.choice(MALFORMED), self.rng.choice(self.shared)
            return {"contextKind": kind, "attribute": attribute, "op": "in", "values": ["a"]}
        kind = self.rng.choice(("", *KINDS))
        names = (*POOLS, "name", "anonymous", "tags", "nothing", "key", "kind", "address")
        attribute = self.rng.choice(names if not kind else (*names, *REFERENCES))
        if kind and attribute == "/odd":
            attribute = "/country"
        op = self.rng.choice(FITTING.get(attribute, tuple(OPERANDS)))
        pool = POOLS.get(attribute, ANYTHING) if op == "in" else OPERANDS[op]
        primitive = tuple(value for value in pool if not isinstance(value, (list, dict)))
        clause = {"attribute": attribute, "op": op, "values": self._some(primitive, 3)}
        return {**clause, "negate": negate, **({"contextKind": kind} if kind else {})}


def _kinds_of(context: dict[str, Any]) -> list[str]:
    if context["kind"] != "multi":
        return [context["kind"]]
    return [kind for kind in KINDS if kind in context]
