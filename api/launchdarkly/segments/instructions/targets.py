"""Instructions on targets: individual ones of a standard segment, the lists of a big one.

Edits of a big segment's lists are only noted in the draft; ``list_edits`` applies them.
The instructions on users are the older names of those on targets of kind ``user``.
Source: the documentation limits the number of targets per request for standard segments
only.
"""

from collections.abc import Callable
from typing import Annotated, Final

from pydantic import Field

from api.errors import InvalidRequest
from api.launchdarkly.segments.instructions.draft import Draft, TargetLists
from api.launchdarkly.segments.instructions.instruction import InstructionKind, Kinds, Parameters
from api.launchdarkly.segments.instructions.list_edits import Action, ListName
from api.launchdarkly.targeting.fields import DEFAULT_KIND, ContextKind, KeyList

#: Keys in all instructions on a standard segment of one request together. Source: the
#: documentation, which calls it a batch limit on the number of operations on targets.
MOST_KEYS: Final = 1_500


class Users(Parameters):
    """Keys of kind ``user``."""

    values: KeyList

    @property
    def kind(self) -> str:
        """The kind of the keys."""
        return DEFAULT_KIND


class Targets(Parameters):
    """Keys of one kind; the default kind is ``user``."""

    context_kind: ContextKind = DEFAULT_KIND
    values: KeyList

    @property
    def kind(self) -> str:
        """The kind of the keys."""
        return self.context_kind


class Keys(Parameters):
    """Context keys of the segment's only kind."""

    values: KeyList


class Import(Parameters):
    """An import that is pending approval: its id or its path."""

    import_id: Annotated[str, Field(min_length=1, max_length=2_048)]


Apply = Callable[[Draft, Users | Targets], None]


def _lists(draft: Draft, side: ListName) -> TargetLists:
    return draft.included if side == "included" else draft.excluded


def _add_to(side: ListName) -> Apply:
    return lambda draft, new: _lists(draft, side).add(new.kind, new.values)


def _remove_from(side: ListName) -> Apply:
    return lambda draft, removed: _lists(draft, side).remove(removed.kind, removed.values)


def _users(apply: Apply) -> InstructionKind[Users]:
    return InstructionKind(Users, apply, segments="standard")


def _targets(apply: Apply) -> InstructionKind[Targets]:
    return InstructionKind(Targets, apply, segments="standard")


def _keys(side: ListName, action: Action) -> InstructionKind[Keys]:
    return InstructionKind(
        Keys, lambda draft, keys: draft.edits.note(side, action, keys.values), segments="big"
    )


def _process_import(draft: Draft, named: Import) -> None:
    import_id = named.import_id.rstrip("/").rpartition("/")[2]
    if draft.import_id not in (None, import_id):
        raise InvalidRequest("one request can process one import; send another request")
    draft.import_id = import_id


#: In the order in which a refusal lists them, with those of rules between the two.
STANDARD_KINDS: Final[Kinds] = {
    "addIncludedTargets": _targets(_add_to("included")),
    "addIncludedUsers": _users(_add_to("included")),
    "removeIncludedTargets": _targets(_remove_from("included")),
    "removeIncludedUsers": _users(_remove_from("included")),
    "addExcludedTargets": _targets(_add_to("excluded")),
    "addExcludedUsers": _users(_add_to("excluded")),
    "removeExcludedTargets": _targets(_remove_from("excluded")),
    "removeExcludedUsers": _users(_remove_from("excluded")),
}
BIG_KINDS: Final[Kinds] = {
    "addBigSegmentIncludedTargets": _keys("included", "add"),
    "removeBigSegmentIncludedTargets": _keys("included", "remove"),
    "addBigSegmentExcludedTargets": _keys("excluded", "add"),
    "removeBigSegmentExcludedTargets": _keys("excluded", "remove"),
    "processBigSegmentImport": InstructionKind(Import, _process_import, segments="big"),
}
