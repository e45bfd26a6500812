"""A segment while instructions change it."""

from dataclasses import dataclass, field
from typing import Final, Self

from pydantic import ValidationError

from api.bodies.faults import refusal
from api.bodies.json_values import exact_text
from api.errors import InvalidRequest
from api.launchdarkly.segments.instructions.edit_log import EditLog
from api.launchdarkly.segments.instructions.target_lists import TargetLists
from api.launchdarkly.targeting.rules import Rule
from api.launchdarkly.targeting.targeting import SegmentDocument

#: Rules, clauses and values that the instructions of one request may look through.
MOST_STEPS: Final = 5_000_000


@dataclass(slots=True)
class Draft:
    """The parts that instructions change one after the other."""

    name: str
    description: str | None
    tags: list[str]
    included: TargetLists
    excluded: TargetLists
    rules: list[Rule]
    edits: EditLog = field(default_factory=EditLog)
    import_id: str | None = None
    steps_left: int = MOST_STEPS
    _texts: dict[int, tuple[object, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, document: SegmentDocument) -> Self:
        """A draft that is still the same as a document."""
        return cls(
            name=document.name,
            description=document.description,
            tags=list(document.tags),
            included=TargetLists(document.included, document.included_contexts),
            excluded=TargetLists(document.excluded, document.excluded_contexts),
            rules=list(document.rules),
        )

    def spend(self, steps: int) -> None:
        """Count what an instruction looks through; many on a large segment are refused.

        Raises:
            InvalidRequest: it was too much.
        """
        self.steps_left -= steps
        if self.steps_left < 0:
            raise InvalidRequest("too much work for one request; send several")

    def exact(self, value: object) -> object:
        """What two values share only if they are the same JSON, types included.

        Cost: linear in a value that holds others, the first time.
        """
        if not isinstance(value, list | dict):
            return type(value), value
        known = self._texts.get(id(value))
        if known is None:
            known = self._texts[id(value)] = value, exact_text(value)
        return known[1]

    def rule_index(self, rule_id: str) -> int:
        """Where a rule is.

        Raises:
            InvalidRequest: there is none with this id.
        """
        self.spend(len(self.rules))
        for index, rule in enumerate(self.rules):
            if rule.id == rule_id:
                return index
        raise InvalidRequest(f"the segment has no rule {rule_id[:80]!r}")

    def document(self) -> SegmentDocument:
        """What has become of the segment.

        Raises:
            InvalidRequest: the instructions together make a key both included and
                excluded, or make more targets than a segment takes.
        """
        self._require_no_clash()
        try:
            return SegmentDocument(
                name=self.name,
                description=self.description,
                tags=tuple(self.tags),
                included=self.included.users,
                excluded=self.excluded.users,
                included_contexts=self.included.contexts,
                excluded_contexts=self.excluded.contexts,
                rules=tuple(self.rules),
            )
        except ValidationError as exc:
            raise refusal(exc) from exc

    def _require_no_clash(self) -> None:
        """Only what was added now can clash; what was in both lists before may stay."""
        for mine, other in ((self.included, self.excluded), (self.excluded, self.included)):
            for kind, keys in mine.added():
                count = other.count_of(kind, keys)
                if count:
                    message = f"instructions: {_keys(count)} of kind {kind} would be both"
                    raise InvalidRequest(f"{message} included and excluded; remove one first")


def _keys(count: int) -> str:
    return "1 key" if count == 1 else f"{count:,} keys"
