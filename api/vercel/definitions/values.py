"""Values of a document, each with its place, and what is required of them."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NoReturn

from api.bodies.unknown_names import repeatable, unknown_field
from api.errors import InvalidRequest

#: Characters of a text, such as a value or a pattern.
LONGEST_TEXT: Final = 10_000
#: What JavaScript reads as a number.
_LARGEST: Final = sys.float_info.max


class Value:
    """A JSON value and where it stands.

    Each method returns the value as one of a certain kind, and raises ``InvalidRequest`` if it is
    something else.
    """

    __slots__ = ("_parent", "_part", "json")

    def __init__(self, json: Any, parent: "Value | None" = None, part: str | int = "") -> None:  # noqa: ANN401 - any JSON
        """Take a value; ``part`` is its name or number in the one that holds it."""
        self.json = json
        self._parent = parent
        self._part = part

    @property
    def place(self) -> str:
        """Such as ``flag.variants[0]``; '' for the whole document."""
        if self._parent is None:
            return ""
        before = self._parent.place
        if isinstance(self._part, int):
            return f"{before}[{self._part}]"
        name = repeatable(self._part) or "?"
        return f"{before}.{name}" if before else name

    def refuse(self, fault: str) -> NoReturn:
        """Refuse the document because of this value.

        Raises:
            InvalidRequest: always; names the place.
        """
        raise InvalidRequest(f"{self.place or 'the document'}: {fault}")

    def object(self) -> dict[str, "Value"]:
        """The members of an object."""
        if not isinstance(self.json, dict):
            self.refuse("must be an object")
        return {name: Value(member, self, name) for name, member in self.json.items()}

    def fields(self, required: Sequence[str], optional: Sequence[str] = ()) -> dict[str, "Value"]:
        """The members of an object that has all required names, and no others but optional ones."""
        members, known = self.object(), (*required, *optional)
        for name in members:
            if name not in known:
                self.refuse(unknown_field(name, known))
        for name in required:
            if name not in members:
                self.refuse(f"{name} is missing")
        return members

    def items(self, *, most: int, least: int = 0) -> list["Value"]:
        """The items of an array."""
        if not isinstance(self.json, list):
            self.refuse("must be an array")
        if not least <= len(self.json) <= most:
            self.refuse(f"must have {least:,} to {most:,} items")
        return [Value(item, self, number) for number, item in enumerate(self.json)]

    def texts(self, *, most: int) -> list[str]:
        """The items of an array of strings. Cost: 30 ns an item."""
        texts = self.json
        if (
            isinstance(texts, list)
            and len(texts) <= most
            and all(type(text) is str and len(text) <= LONGEST_TEXT for text in texts)
        ):
            return texts
        return [item.text() for item in self.items(most=most)]

    def scalar(self) -> str | float:
        """A string or a number."""
        if isinstance(self.json, str):
            return self.text()
        if isinstance(self.json, bool) or not isinstance(self.json, int | float):
            self.refuse("must be a string or a number")
        return self.number()

    def text(self, *, most: int = LONGEST_TEXT, least: int = 0) -> str:
        """A string."""
        if not isinstance(self.json, str):
            self.refuse("must be a string")
        if not least <= len(self.json) <= most:
            self.refuse(f"must have {least:,} to {most:,} characters")
        return self.json

    def choice(self, known: Sequence[str]) -> str:
        """One of these strings."""
        if self.json not in known:
            self.refuse(f"must be one of {', '.join(known)}")
        return str(self.json)

    def number(self, least: float = -_LARGEST, most: float = _LARGEST) -> float:
        """A number."""
        if isinstance(self.json, bool) or not isinstance(self.json, int | float):
            self.refuse("must be a number")
        if not least <= self.json <= most:
            bound = "" if most == _LARGEST else f" and {most:,} at most"
            floor = "" if least == -_LARGEST else f", {least:,} at least"
            self.refuse(f"must be a number in the range of a double{floor}{bound}")
        return self.json

    def integer(self, least: int, most: int) -> int:
        """An integer; ``2.0`` is one, as in JavaScript."""
        number = self.json
        if (
            isinstance(number, bool)
            or not isinstance(number, int | float)
            or not least <= number <= most
            or number != int(number)
        ):
            self.refuse(f"must be an integer from {least:,} to {most:,}")
        return int(number)

    def index(self, count: int) -> int:
        """The index of one of so many variants."""
        return self.integer(0, count - 1)


def members_of(value: Value, *, most: int) -> Iterator[tuple[str, Value]]:
    """The members of an object with any names, at most so many."""
    members: Mapping[str, Value] = value.object()
    if len(members) > most:
        value.refuse(f"must have at most {most:,} members")
    yield from members.items()
