"""Instructions on the individual targets of a standard segment.

The ones on users are the older names of the same thing for kind ``user``.
"""

from collections.abc import Callable
from typing import Final, Literal

from api.launchdarkly.segments.instructions.draft import Draft
from api.launchdarkly.segments.instructions.instruction import InstructionKind, Kinds, Parameters
from api.launchdarkly.segments.instructions.target_lists import TargetLists
from api.launchdarkly.targeting.fields import DEFAULT_KIND, ContextKind, KeyList

#: Keys in all these instructions of one request together. Source: the documentation, which
#: calls it a batch limit on the number of operations on targets.
MOST_KEYS: Final = 1_500


class Users(Parameters):
    """Keys of kind ``user``."""

    values: KeyList

    @property
    def kind(self) -> str:
        """The kind of the keys."""
        return DEFAULT_KIND


class Targets(Parameters):
    """Keys of one kind; the kind is ``user`` unless it is said."""

    contextKind: ContextKind = DEFAULT_KIND  # noqa: N815 - wire name
    values: KeyList

    @property
    def kind(self) -> str:
        """The kind of the keys."""
        return self.contextKind


Side = Literal["included", "excluded"]
Apply = Callable[[Draft, Users | Targets], None]


def _side(draft: Draft, side: Side) -> TargetLists:
    return draft.included if side == "included" else draft.excluded


def _add_to(side: Side) -> Apply:
    return lambda draft, new: _side(draft, side).add(new.kind, new.values)


def _remove_from(side: Side) -> Apply:
    return lambda draft, gone: _side(draft, side).remove(gone.kind, gone.values)


def _users(apply: Apply) -> InstructionKind[Users]:
    return InstructionKind(Users, apply, segments="standard")


def _targets(apply: Apply) -> InstructionKind[Targets]:
    return InstructionKind(Targets, apply, segments="standard")


KINDS: Final[Kinds] = {
    "addIncludedTargets": _targets(_add_to("included")),
    "addIncludedUsers": _users(_add_to("included")),
    "removeIncludedTargets": _targets(_remove_from("included")),
    "removeIncludedUsers": _users(_remove_from("included")),
    "addExcludedTargets": _targets(_add_to("excluded")),
    "addExcludedUsers": _users(_add_to("excluded")),
    "removeExcludedTargets": _targets(_remove_from("excluded")),
    "removeExcludedUsers": _users(_remove_from("excluded")),
}
