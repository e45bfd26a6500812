"""Names of the lists that are attached to a segment: ``include/user/id``."""

from dataclasses import dataclass
from typing import Literal, Self, cast
from urllib.parse import quote

ListSide = Literal["include", "exclude"]


@dataclass(frozen=True, slots=True, order=True)
class ListName:
    """Which values a list holds, and what it does with the entities that have one of them."""

    side: ListSide
    kind: str
    attribute: str

    def __str__(self) -> str:
        """The form in which a segment's record has it; no part contains a slash."""
        return f"{self.side}/{self.kind}/{self.attribute}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what :meth:`__str__` has written."""
        side, kind, attribute = text.split("/")
        return cls(cast("ListSide", side), kind, attribute)

    @property
    def path(self) -> str:
        """The end of the list's path."""
        return f"{self.side}/{quote(self.kind, safe='')}/{quote(self.attribute, safe='')}"
