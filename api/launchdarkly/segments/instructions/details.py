"""Instructions on a segment's name, description and tags."""

from typing import Annotated, Final

from pydantic import Field

from api.launchdarkly.segments.instructions.draft import Draft
from api.launchdarkly.segments.instructions.instruction import InstructionKind, Kinds, Parameters
from api.launchdarkly.targeting.fields import SegmentName, Tag


class Tags(Parameters):
    """Tags to add or to remove."""

    values: Annotated[tuple[Tag, ...], Field(fail_fast=True)]


class NewName(Parameters):
    """The new name of the segment."""

    value: SegmentName


class NewDescription(Parameters):
    """The new description; null removes the description."""

    value: str | None


def _add_tags(draft: Draft, new: Tags) -> None:
    draft.spend(len(draft.tags))
    draft.tags = list(dict.fromkeys((*draft.tags, *new.values)))


def _remove_tags(draft: Draft, removed: Tags) -> None:
    draft.spend(len(draft.tags))
    values = frozenset(removed.values)
    draft.tags = [tag for tag in draft.tags if tag not in values]


def _rename(draft: Draft, new: NewName) -> None:
    draft.name = new.value


def _describe(draft: Draft, new: NewDescription) -> None:
    draft.description = new.value


KINDS: Final[Kinds] = {
    "addTags": InstructionKind(Tags, _add_tags),
    "removeTags": InstructionKind(Tags, _remove_tags),
    "updateName": InstructionKind(NewName, _rename),
    # Not documented for segments; every other kind of resource has it.
    "updateDescription": InstructionKind(NewDescription, _describe),
}
