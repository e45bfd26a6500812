"""Many values against one text, at a cost that hardly grows with their number.

Operators that look for parts of a text would try value after value: 20,000 values and an
attribute of 3,000 strings are 60 million comparisons. Here the values are indexed instead.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from ahocorasick_rs import BytesAhoCorasick, Implementation

from api.evaluation.effort import Effort
from api.evaluation.scalars import encoded_text

#: So many values are tried one after the other; an index is not faster.
_FEW: Final = 16
#: Bytes of values in one automaton. Building one keeps all other threads from running, for
#: about 0.4 ms a KiB; searching does not.
_PART_BYTES: Final = 16 * 1024
#: Of one test's cost: bytes of text searched, values tried, and characters cut out and hashed.
_BYTES_A_TEST: Final = 50
_VALUES_A_TEST: Final = 4
_HASHED_A_TEST: Final = 200
#: Tests' worth of building an automaton, for each byte of values.
_BUILDING: Final = 2
#: First bytes of a text that are searched by themselves, and how much more each time: whoever
#: has a match in every place has one early, and not all of them are listed.
_FIRST_BYTES: Final = 1_024
_MORE: Final = 4


class Contained:
    """Whether any of some values is part of a text."""

    __slots__ = ("_always", "_automata", "_few", "_values")

    def __init__(self, values: Sequence[str]) -> None:
        """Take the values; those that are many are made ready when first needed."""
        distinct = tuple(dict.fromkeys(values))
        self._always = "" in distinct
        self._few = distinct if len(distinct) <= _FEW else ()
        self._values = () if self._few else tuple(encoded_text(value) for value in distinct)
        self._automata: tuple[BytesAhoCorasick, ...] | None = None

    def test(self, text: str, effort: Effort) -> bool:
        """Whether one is.

        Cost: for 20,000 values of six characters, 15 ms once and then 4 µs for a short text,
        linear in longer ones.

        Raises:
            SegmentInError: it would cost more than this evaluation may still spend.
        """
        if self._always:
            return True
        if not self._values:
            effort.spend_tests((1 + len(text) // 1_024) * len(self._few) // _VALUES_A_TEST)
            return any(part in text for part in self._few)
        automata = self._automata or self._built(effort)
        encoded = encoded_text(text)
        effort.spend_tests((1 + len(encoded) // _BYTES_A_TEST) * len(automata))
        return any(_is_found(automaton, encoded) for automaton in automata)

    def _built(self, effort: Effort) -> tuple[BytesAhoCorasick, ...]:
        effort.spend_tests(_BUILDING * sum(map(len, self._values)))
        # Two threads that come here at one time build the same, and one is kept.
        self._automata = tuple(
            BytesAhoCorasick(part, implementation=Implementation.ContiguousNFA)
            for part in _parts(self._values)
        )
        return self._automata


def _parts(values: Sequence[bytes]) -> Iterator[list[bytes]]:
    part: list[bytes] = []
    size_bytes = 0
    for value in values:
        if part and size_bytes + len(value) > _PART_BYTES:
            yield part
            part, size_bytes = [], 0
        part.append(value)
        size_bytes += len(value)
    yield part


def _is_found(automaton: BytesAhoCorasick, text: bytes) -> bool:
    end = _FIRST_BYTES
    while end < len(text):
        if automaton.find_matches_as_indexes(text[:end]):
            return True
        end *= _MORE
    return bool(automaton.find_matches_as_indexes(text))


class Affixes:
    """Whether a text begins, or ends, with any of some values: one look for each length."""

    __slots__ = ("_at_end", "_by_length", "_cost", "_few")

    def __init__(self, values: Sequence[str], *, at_end: bool) -> None:
        """Index the values.

        Args:
            values: what is looked for.
            at_end: whether at the end of a text; else at its beginning.
        """
        self._at_end = at_end
        self._few = tuple(values) if len(values) <= _FEW else ()
        by_length: defaultdict[int, set[str]] = defaultdict(set)
        for value in () if self._few else values:
            by_length[len(value)].add(value)
        self._by_length = tuple(sorted(by_length.items()))
        self._cost = 1 + len(self._by_length) // _VALUES_A_TEST + sum(by_length) // _HASHED_A_TEST

    def test(self, text: str, effort: Effort) -> bool:
        """Whether it does.

        Raises:
            SegmentInError: it would cost more than this evaluation may still spend.
        """
        if self._few:
            return text.endswith(self._few) if self._at_end else text.startswith(self._few)
        effort.spend_tests(self._cost)
        size = len(text)
        for length, values in self._by_length:
            if length > size:
                return False
            if (text[size - length :] if self._at_end else text[:length]) in values:
                return True
        return False
