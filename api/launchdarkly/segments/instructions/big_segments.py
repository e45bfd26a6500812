"""Instructions on big segments: noted here, made by whoever holds the lists.

Source: the documentation limits the number of targets per request for standard segments
only.
"""

from collections.abc import Callable
from typing import Annotated, Final

from pydantic import Field

from api.errors import InvalidRequest
from api.launchdarkly.segments.instructions.draft import Draft
from api.launchdarkly.segments.instructions.edit_log import Action, ListName
from api.launchdarkly.segments.instructions.instruction import InstructionKind, Kinds, Parameters
from api.launchdarkly.targeting.fields import KeyList


class Keys(Parameters):
    """Context keys of the segment's only kind."""

    values: KeyList


class Import(Parameters):
    """An import that waits for its approval; its address is taken for its id, too."""

    importId: Annotated[str, Field(min_length=1, max_length=2_048)]  # noqa: N815 - wire name


def _note(where: ListName, action: Action) -> Callable[[Draft, Keys], None]:
    return lambda draft, keys: draft.edits.note(where, action, keys.values)


def _process(draft: Draft, chosen: Import) -> None:
    import_id = chosen.importId.rstrip("/").rpartition("/")[2]
    if draft.import_id not in (None, import_id):
        raise InvalidRequest("one request can process one import; send another request")
    draft.import_id = import_id


def _keys(where: ListName, action: Action) -> InstructionKind[Keys]:
    return InstructionKind(Keys, _note(where, action), segments="big")


KINDS: Final[Kinds] = {
    "addBigSegmentIncludedTargets": _keys("included", "add"),
    "removeBigSegmentIncludedTargets": _keys("included", "remove"),
    "addBigSegmentExcludedTargets": _keys("excluded", "add"),
    "removeBigSegmentExcludedTargets": _keys("excluded", "remove"),
    "processBigSegmentImport": InstructionKind(Import, _process, segments="big"),
}
