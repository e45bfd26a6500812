"""Shares of values by XXH32: the vectors and the boundaries of @vercel/flags-core 1.8.2."""

import pytest
import xxhash

from api.vercel.evaluation.javascript.texts import well_formed
from tests.unit.api.vercel.evaluation.build import outcome_of, rule, split


def _passes(value: object, share: float, seed: int = 0) -> bool:
    data = {"rules": [rule(outcome=split(share))]}
    outcome = outcome_of(data, {"user": {"id": value}}, seed=seed)
    assert outcome.error is None
    assert (outcome.reason, outcome.rule_id) == ("split", "r1")
    return outcome.matched


@pytest.mark.parametrize(
    ("text", "seed", "expected"),
    [
        ("", 0, 46947589),
        ("a", 0, 1426945110),
        ("u1", 0, 2328730788),
        ("user_123", 0, 4251708866),
        ("name0", 0, 2416824855),
        ("abcdefghijklmnop", 0, 2637007714),
        ("é", 0, 866461991),
        ("\U0001f600", 0, 1127825596),
        ("\ud800", 0, 1973258321),
        ("u1", 7, 1707909252),
        ("u1", 12345, 2293482495),
        ("alice@example.com", 12345, 2803636414),
    ],
)
def test_position__text_and_seed__is_the_published_one(text: str, seed: int, expected: int) -> None:
    assert xxhash.xxh32_intdigest(well_formed(text), seed=seed) == expected
    # The limit is the floor of the share of all hashes: here the position itself, and one more.
    assert not _passes(text, (expected + 0.5) / 2**32 * 100_000, seed)
    assert _passes(text, (expected + 1.5) / 2**32 * 100_000, seed)


@pytest.mark.parametrize(
    ("text", "seed", "first"),
    [
        ("u1", 0, 54220),
        ("u2", 0, 34450),
        ("u3", 0, 12001),
        ("alice@example.com", 0, 87711),
        ("user_123", 0, 98993),
        ("", 0, 1094),
        ("u1", 7, 39766),
        ("u2", 7, 10334),
        ("user_123", 7, 22532),
        ("u1", 12345, 53400),
        ("u2", 12345, 77571),
        ("alice@example.com", 12345, 65278),
    ],
)
def test_split__first_share_that_passes__is_the_published_one(
    text: str, seed: int, first: int
) -> None:
    assert _passes(text, first, seed)
    assert not _passes(text, first - 1, seed)


@pytest.mark.parametrize(("share", "expected"), [(50_000, 5_023), (1_000, 118), (99_000, 9_903)])
def test_split__ten_thousand_names__as_many_as_published(share: int, expected: int) -> None:
    assert sum(_passes(f"name{number}", share) for number in range(10_000)) == expected


@pytest.mark.parametrize(
    ("share", "expected"),
    [(-1, False), (0, False), (100_000, True), (100_001, True), (10**400, True)],
)
def test_split__none_or_all__without_hashing(share: int, expected: bool) -> None:
    assert _passes("u1", share) is expected


@pytest.mark.parametrize("value", [5, None, True, ["u1"], {}])
def test_split__value_is_no_string__never_passes(value: object) -> None:
    assert not _passes(value, 100_000)


def test_split__same_seed_modulo_32_bits__same_answer() -> None:
    assert _passes("u1", 39_766, 7 + 2**32)
