"""Which attached lists an evaluation could ask, so that all are asked at one time."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from api.evaluation import Effort, SegmentInError
from api.vercel.evaluation.compiling import CompiledSegment, Members, Side
from api.vercel.evaluation.values import PLAIN, Key, Values

Resolve: TypeAlias = Callable[[str], CompiledSegment | None]
#: Segment, side, kind and attribute of an attached list.
ListName: TypeAlias = tuple[str, Side, str, str]


@dataclass(frozen=True, slots=True)
class Lookup:
    """A question for an attached list: whether it holds the value."""

    segment_id: str
    side: Side
    kind: str
    attribute: str
    value: str

    @property
    def list_name(self) -> ListName:
        """The list's name in the answers that :func:`evaluate` takes."""
        return self.segment_id, self.side, self.kind, self.attribute


def lookups(
    segments: Iterable[CompiledSegment], entities: Mapping[str, object] | None, resolve: Resolve
) -> list[Lookup]:
    """Give the look-ups that an evaluation could need, of the segments and all they refer to.

    Lists are left out whose attribute has no string, and those of segments that an inline
    entry decides first.
    """
    values = Values(entities, Effort())
    pending, seen = list(segments), set[str]()
    found: list[Lookup] = []
    while pending:
        segment = pending.pop()
        if segment.segment_id in seen:
            continue
        seen.add(segment.segment_id)
        found.extend(_lookups_of(segment, values))
        pending.extend(filter(None, map(resolve, segment.references)))
    return found


def _lookups_of(segment: CompiledSegment, values: Values) -> Iterator[Lookup]:
    try:
        if is_among(segment.include, values):
            return
        for attached in segment.attachments:
            value = values[attached.kind, attached.attribute, PLAIN]
            if isinstance(value, str):
                yield Lookup(
                    segment.segment_id, attached.side, attached.kind, attached.attribute, value
                )
    except SegmentInError:
        return  # evaluating meets the same error, and reports it


def is_among(targets: tuple[tuple[Key, Members], ...], values: Values) -> bool:
    """Whether one of the values is an inline entry."""
    return any(values[key] in members for key, members in targets)
