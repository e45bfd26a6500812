"""JSON that is large for its many members, read one member at a time.

The parser lets no other thread run until it has read what it is given. So a document of thousands
of objects is given to it object by object: none takes longer than a fraction of a millisecond.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from api.bodies.json_values import (
    json_decoder,
    refusals_of_json,
    require_shallow,
    require_whole_characters,
)
from api.errors import InvalidRequest

_SPACE: Final = re.compile(r"[ \t\n\r]*")

#: The names that lead to a member, and its value.
Member = tuple[tuple[str, ...], Any]


def read_members(raw: bytes, *, inside: str) -> Iterator[Member]:
    """Read an object member by member, and one of its objects, too.

    It takes and refuses what ``read_json`` does, and refuses what is no object.

    Args:
        raw: the body, UTF-8 with or without a byte order mark.
        inside: name of the member that is read member by member if it is an object; its members
            have two names.

    Raises:
        InvalidRequest: it is not such JSON; says where. Members before were given.
    """
    with refusals_of_json():
        text = raw.decode("utf-8-sig")
        yield from _Reader(text).read(inside)


class _Reader:
    """Reads a text from its beginning to its end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._decode = json_decoder().raw_decode
        self._may_have_halves = "\\ud" in text or "\\uD" in text

    def read(self, inside: str) -> Iterator[Member]:
        self._skip_space()
        if not self._is_next("{"):
            self._value()
            self._require_end()
            raise InvalidRequest("the body must be a JSON object")
        for name in self._names():
            if name == inside and self._is_next("{"):
                yield (name,), {}
                for inner in self._names():
                    yield (name, inner), self._value()
            else:
                yield (name,), self._value()
        self._require_end()

    def _names(self) -> Iterator[str]:
        """Each name of the object that begins here; its value must be read before the next."""
        seen = set[str]()
        self._take("{")
        if self._is_next("}"):
            self._take("}")
            return
        while True:
            if not self._is_next('"'):
                raise self._fault("Expecting property name enclosed in double quotes")
            name: str = self._value()
            self._take(":")
            if name in seen:
                raise InvalidRequest("an object in the body has two members of one name")
            seen.add(name)
            yield name
            if self._is_next("}"):
                self._take("}")
                return
            self._take(",")

    def _value(self) -> Any:  # noqa: ANN401 - any JSON
        value, self._at = self._decode(self._text, self._at)
        if self._may_have_halves:
            require_whole_characters(value)
        require_shallow(value)
        self._skip_space()
        return value

    def _take(self, sign: str) -> None:
        if not self._is_next(sign):
            raise self._fault(f"Expecting '{sign}' delimiter")
        self._at += len(sign)
        self._skip_space()

    def _is_next(self, sign: str) -> bool:
        return self._text.startswith(sign, self._at)

    def _skip_space(self) -> None:
        found = _SPACE.match(self._text, self._at)
        self._at = self._at if found is None else found.end()

    def _require_end(self) -> None:
        if self._at < len(self._text):
            raise self._fault("Extra data")

    def _fault(self, message: str) -> json.JSONDecodeError:
        return json.JSONDecodeError(message, self._text, self._at)
