"""Attribute references: how a clause names an attribute, or a value inside one.

Source: LaunchDarkly go-sdk-common v3, package ldattr.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from api.evaluation.errors import SegmentInError

_BAD_ESCAPE: Final = re.compile("~(?![01])")


@dataclass(frozen=True, slots=True)
class Reference:
    """A top-level attribute and the path inside its value."""

    name: str
    path: tuple[str, ...] = ()

    def value_in(self, attributes: Mapping[str, object]) -> object:
        """Give the value; ``None`` if it is missing, null, or the path leaves the objects.

        Arrays are not descended into.
        """
        value = attributes.get(self.name)
        for name in self.path:
            if not isinstance(value, dict):
                return None
            value = value.get(name)
        return value


def parse_reference(text: str, kind: str | None) -> Reference:
    """Read what a clause or a rule names.

    Args:
        text: The attribute as the definition has it.
        kind: The context kind given next to it. Without one (or with an empty one) the
            definition predates references: the text is a name, slashes and all.

    Raises:
        SegmentInError: The text is empty, or a path that cannot be read.
    """
    if not text:
        raise SegmentInError.bad_reference(text, "is empty")
    if not kind or not text.startswith("/"):
        return Reference(text)
    if text == "/":
        raise SegmentInError.bad_reference(text, "is empty")
    names = text[1:].split("/")
    if "" in names:
        raise SegmentInError.bad_reference(text, "has two slashes in a row or one at its end")
    if _BAD_ESCAPE.search(text):
        raise SegmentInError.bad_reference(text, "has a ~ that neither 0 nor 1 follows")
    first, *rest = (name.replace("~1", "/").replace("~0", "~") for name in names)
    return Reference(first, tuple(rest))
