"""Which objects below a prefix are no lists: marks, checksums, hidden and empty ones."""

from typing import Final, Literal

from worker.objects.info import ObjectInfo
from worker.objects.sources import is_folder_marker

SkipReason = Literal["hidden", "checksum", "folder", "empty", "missing", "repeated"]

_CHECKSUM: Final = ".crc"
_HIDING: Final = ("_", ".")


def skip_reason(info: ObjectInfo, base: str, shown: frozenset[str]) -> SkipReason | None:
    """Why an object that was found, and not named itself, is not imported.

    Args:
        info: The object.
        base: The folder that was named; what its own path looks like does not matter.
        shown: Of ``_`` and ``.`` those that a pattern names itself.
    """
    if is_folder_marker(info):
        return "folder"
    if any(_is_hidden(name, shown) for name in info.key.removeprefix(base).split("/")):
        return "checksum" if info.key.endswith(_CHECKSUM) else "hidden"
    if info.key.endswith(_CHECKSUM):
        return "checksum"
    return None if info.size_bytes else "empty"


def _is_hidden(name: str, shown: frozenset[str]) -> bool:
    """As Spark has it: a folder ``_day=1`` is a partition and no hidden one."""
    return name.startswith(_HIDING) and name[0] not in shown and not _is_partition(name)


def _is_partition(name: str) -> bool:
    return name.startswith("_") and "=" in name
