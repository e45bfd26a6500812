"""What the ``filter`` parameter of the list of segments may ask; see ``wire/filters.py``.

Not documented at LaunchDarkly, chosen here: ``view`` is accepted with every operator and matches
nothing, as no segment here is in a view; ``external exists true`` matches nothing, as no segment
here is synced; ``exists`` without a value means ``exists true``.
"""

from collections.abc import Sequence
from typing import Final

from api.launchdarkly.wire.filters import Predicate, Terms, ValueKind, parse_terms
from worker.store import Segment


def _with_keys(keys: Sequence[str]) -> Predicate[Segment]:
    wanted = frozenset(keys)
    return lambda segment: segment.key in wanted


def _without_keys(keys: Sequence[str]) -> Predicate[Segment]:
    unwanted = frozenset(keys)
    return lambda segment: segment.key not in unwanted


def _with_tags(tags: Sequence[str]) -> Predicate[Segment]:
    wanted = frozenset(tags)
    return lambda segment: not wanted.isdisjoint(segment.tags)


def _with_text(texts: Sequence[str]) -> Predicate[Segment]:
    wanted = [text.casefold() for text in texts]

    def matches(segment: Segment) -> bool:
        key, name = segment.key.casefold(), segment.name.casefold()
        about = (segment.description or "").casefold()
        return any(text in key or text in name or text in about for text in wanted)

    return matches


def _with_size(*, unbounded: bool) -> Predicate[Segment]:
    return lambda segment: segment.unbounded is unbounded


def _match_none_if(*, wanted: bool) -> Predicate[Segment]:
    return lambda _: not wanted


def _never(_: Sequence[str]) -> Predicate[Segment]:
    return lambda _: False


_TERMS: Final[Terms[Segment]] = {
    "includedKeys": {"anyOf": (ValueKind.TEXTS, _with_keys)},
    "excludedKeys": {"anyOf": (ValueKind.TEXTS, _without_keys)},
    "tags": {"anyOf": (ValueKind.TEXTS, _with_tags)},
    "query": {"equals": (ValueKind.TEXT_OR_TEXTS, _with_text)},
    "unbounded": {"equals": (ValueKind.FLAG, lambda flag: _with_size(unbounded=flag))},
    "external": {
        "exists": (ValueKind.OPTIONAL_FLAG, lambda flag: _match_none_if(wanted=flag)),
    },
    "view": {
        "equals": (ValueKind.TEXT_OR_TEXTS, _never),
        "anyOf": (ValueKind.TEXTS, _never),
        "exists": (ValueKind.OPTIONAL_FLAG, lambda flag: _match_none_if(wanted=flag)),
    },
}


def parse_filter(text: str) -> Predicate[Segment]:
    """Parse a filter of segments; errors and cost: as :func:`parse_terms`."""
    return parse_terms(text, _TERMS)
