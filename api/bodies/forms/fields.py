"""What an upload's form consists of, and what it can be refused with."""

from collections.abc import Callable
from dataclasses import dataclass

from api.errors import InvalidRequest

#: The field that holds the list, with or without a file name; any other is a short text field.
FILE_FIELD = "file"

_FLAGS = {"true": True, "1": True, "false": False, "0": False, "": False}


class FormError(InvalidRequest):
    """The body is not a form this API takes; the message is a sentence without its full stop."""

    @property
    def reason(self) -> str:
        """Why."""
        return self.message


@dataclass(frozen=True, slots=True)
class FieldEvent:
    """One whole text field."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class FileStart:
    """The list begins."""

    file_name: str | None
    """As the client gave it, if it did; never a path to open."""


@dataclass(frozen=True, slots=True)
class FileData:
    """The next bytes of the list: at least 256 KiB, fewer only at its end."""

    data: bytearray
    """The receiver may keep it; it is not changed afterwards."""


@dataclass(frozen=True, slots=True)
class FileEnd:
    """The list is whole; the form is so only after ``finish``."""


#: What is wrong with a part's name; nothing if the form may have it.
CheckName = Callable[[str], str | None]

FormEvent = FieldEvent | FileStart | FileData | FileEnd


def parse_flag(name: str, value: str) -> bool:
    """Read a boolean field as generated clients write it: ``True``, ``true``, ``1``, or nothing.

    Raises:
        FormError: it is something else.
    """
    flag = _FLAGS.get(value.strip().lower())
    if flag is None:
        raise FormError(f"{name} must be true or false")
    return flag
