"""What patches may address, by resource: its fields, and those that only clients send.

Fields that a known client sends although LaunchDarkly has no such field are ignored; see
``ignored_fields``. LaunchDarkly's fields for something that does not exist here are refused
with the reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from api.bodies.unknown_names import list_known, repeatable
from api.launchdarkly.wire.ignored_fields import ignored_in


@dataclass(frozen=True, slots=True)
class Patchable:
    """A kind of resource, in the words of refusals."""

    name: str
    """With its article."""
    fields: tuple[str, ...]
    """Those that a patch can change."""
    ignored: frozenset[str] = frozenset()
    """Fields whose changes are left out; see ``ignored_fields``."""
    absent: Mapping[str, str] = field(default_factory=dict)
    """Fields of LaunchDarkly's that cannot be set here, and why."""

    def ignores(self, pointer: str) -> bool:
        """Whether a change of this place is left out; everything else in its patch counts."""
        return pointer.removeprefix("/") in self.ignored

    def no_field(self, name: str) -> str:
        """Why a name that is not in ``fields`` cannot be changed, and what can."""
        if name in self.absent:
            return f"/{name}: {self.absent[name]}"
        listed = list_known(name, self.fields, "fields")
        if repeatable(name) is None:
            return f"path names no field of {self.name}; {listed}"
        return f"/{name} is not a field of {self.name}; {listed}"


SEGMENT: Final = Patchable(
    "a segment",
    (
        "name",
        "description",
        "tags",
        "included",
        "excluded",
        "includedContexts",
        "excludedContexts",
        "rules",
    ),
    ignored=ignored_in("segment patch"),
)
