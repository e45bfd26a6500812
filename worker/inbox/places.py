"""What the key of an object of the inbox says.

::

    inbox/{project}/{environment}/{segment}/{mode}/[{options}/]{file}

Options are written ``header=true,column=email``.
"""

import re
from dataclasses import dataclass
from typing import Final, get_args

from pydantic import TypeAdapter, ValidationError

from worker.errors import TerminalError
from worker.options.lists import ListOptions
from worker.store import EnvironmentRef, Mode

_KEY: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,255}")
#: What a caller may ask for; the store re-shards by itself.
_MODES: Final[dict[str, Mode]] = {mode: mode for mode in get_args(Mode) if mode != "reshard"}
_FORM: Final = "PROJECT/ENVIRONMENT/SEGMENT/MODE/FILE"
_SHORTEST: Final = len(_FORM.split("/"))
_OPTIONS: Final = {
    "nullText" if name == "null_text" else name: name for name in ListOptions.__dataclass_fields__
}
_ADAPTER: Final = TypeAdapter(ListOptions)


class ObjectRefused(TerminalError):
    """The object of the inbox cannot be imported; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Place:
    """What an object of the inbox is for."""

    env: EnvironmentRef
    segment: str
    mode: Mode
    reading: ListOptions
    file: str


def parse_place(rest: str) -> Place:
    """Read a key without the inbox's prefix.

    Raises:
        ObjectRefused: it is not of that form.
    """
    parts = rest.split("/")
    if len(parts) < _SHORTEST or not parts[-1]:
        raise ObjectRefused(f"the key is not of the form {_FORM}")
    project, environment, segment, mode, *rest_of_path = parts
    for name in (project, environment, segment):
        if _KEY.fullmatch(name) is None:
            raise ObjectRefused(f"{name[:80]!r} cannot be the key of a resource: use {_FORM}")
    if mode not in _MODES:
        raise ObjectRefused(f"{mode[:80]!r} is not a mode: use {' or '.join(_MODES)}")
    options = ListOptions()
    if len(rest_of_path) > 1 and "=" in rest_of_path[0]:
        options = _parse_options(rest_of_path[0])
    return Place(EnvironmentRef(project, environment), segment, _MODES[mode], options, parts[-1])


def is_skipped(rest: str) -> bool:
    """Whether an object is none that anybody means to be imported.

    Folders, and what programs leave beside their files: ``_SUCCESS``, ``_temporary/…``, ``.crc``.
    """
    parts = rest.split("/")
    return (
        parts[-1] == ""
        or parts[-1].endswith("_$folder$")
        or any(part.startswith(("_", ".")) for part in parts)
    )


def _parse_options(text: str) -> ListOptions:
    fields: dict[str, str] = {}
    for item in text.split(","):
        name, _, value = item.partition("=")
        if name not in _OPTIONS or _OPTIONS[name] in fields:
            known = ", ".join(_OPTIONS)
            raise ObjectRefused(f"{name[:80]!r} is not an option, or is there twice: use {known}")
        fields[_OPTIONS[name]] = value
    try:
        options = _ADAPTER.validate_python(fields)
    except ValidationError as exc:
        fault = exc.errors()[0]
        raise ObjectRefused(f"option {fault['loc'][0]}: {fault['msg']}") from exc
    if (fault_of_all := options.find_fault()) is not None:
        raise ObjectRefused(f"option {fault_of_all}")
    return options
