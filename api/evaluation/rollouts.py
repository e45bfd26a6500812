"""The share of contexts that a rule lets through: the same contexts every time.

Source: LaunchDarkly go-server-sdk-evaluation v3.0.1, evaluator_bucketing.go. Its arithmetic
is in 32-bit floats, which near a boundary decides differently from 64-bit ones; it is
reproduced exactly, in integers.
"""

import hashlib
import struct
from dataclasses import dataclass
from typing import Final

from api.evaluation.contexts import Context, Individual
from api.evaluation.references import Reference, parse_reference
from api.evaluation.scalars import encoded_text, integer_of
from api.evaluation.segments import DEFAULT_KIND, Rule

#: A position is 15 hex digits of a digest, so it is out of 2^60.
_POSITION_BITS: Final = 60
_FULL_WEIGHT: Final = 100_000
_FLOAT32_BITS: Final = 24


@dataclass(frozen=True, slots=True)
class Rollout:
    """Which contexts pass, when their clauses have matched."""

    kind: str
    by: Reference | None
    """``None`` goes by the context key."""
    prefix: bytes
    limit: int
    """Positions below it pass; out of 2^60."""

    def lets_through(self, context: Context) -> bool:
        """Whether the context is within the share.

        Without a context of the rollout's kind nothing passes. Where the value gone by is
        missing or is neither text nor an integer, everyone passes unless the weight is 0.
        """
        individual = context.individuals.get(self.kind)
        if individual is None:
            return False
        text = self._text_of(individual)
        position = 0 if text is None else position_of(self.prefix + encoded_text(text))
        return position < self.limit

    def _text_of(self, individual: Individual) -> str | None:
        if self.by is None:
            return individual.key
        value = self.by.value_in(individual.attributes)
        if isinstance(value, str):
            return value
        integer = integer_of(value)
        return None if integer is None else str(integer)


def rollout_of(rule: Rule, key: str, salt: str) -> Rollout | None:
    """Compile a rule's weight; ``None`` if it has none.

    Args:
        rule: The rule.
        key: The key of its segment.
        salt: The salt of its segment; another salt is another choice of contexts.

    Raises:
        SegmentInError: ``bucket_by`` is a reference that cannot be read.
    """
    if rule.weight is None:
        return None
    kind = rule.rollout_context_kind
    by = parse_reference(rule.bucket_by, kind) if rule.bucket_by else None
    prefix = encoded_text(f"{key}.{salt}.")
    return Rollout(kind or DEFAULT_KIND, by, prefix, _limit_of(rule.weight))


def position_of(text: bytes) -> int:
    """Give where a text falls, out of 2^60, as a 32-bit float would hold it."""
    digest = hashlib.sha1(text, usedforsecurity=False).digest()
    return _to_float32(int.from_bytes(digest[:8]) >> 4)


def _to_float32(number: int) -> int:
    """Round half to even to the leading 24 bits; by way of a double it would round twice."""
    surplus = number.bit_length() - _FLOAT32_BITS
    if surplus <= 0:
        return number
    quotient, rest = divmod(number, 1 << surplus)
    half = 1 << surplus - 1
    up = rest > half or (rest == half and quotient & 1 == 1)
    return quotient + up << surplus


def _limit_of(weight: int) -> int:
    """Give the 32-bit float nearest to the share, times 2^60."""
    (share,) = struct.unpack("<f", struct.pack("<f", weight / _FULL_WEIGHT))
    return int(share * 2**_POSITION_BITS)
