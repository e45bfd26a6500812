"""Where bigseg's own objects are: one prefix that no import may read from.

::

    bigseg-internal/uploads/{owner…}/{import id}
    bigseg-internal/spills/{owner…}/{import id}/{chunk}-{attempt}.arrow
    bigseg-internal/exports/{owner…}/{export id}/{file name}
    bigseg-internal/rejected/{owner…}/{import id}/{attempt}.csv

An owner is a few names that the caller chooses (project, environment, segment); this package
gives them no meaning. The kind comes first, so that a bucket's lifecycle rule can treat
spills, which are short-lived, differently from exports.
"""

import re
from collections.abc import Sequence

#: Never a source of an import, in any bucket.
INTERNAL_PREFIX = "bigseg-internal/"

#: Of one name in the owner, the import's id, the file.
_SHORTEST_SPILL = 3

#: S3's limit on a key. Source: S3 user guide, "Naming Amazon S3 objects".
MAX_KEY_BYTES = 1024

#: What the keys of all spills begin with.
SPILLS_PREFIX = f"{INTERNAL_PREFIX}spills/"

_NAME = re.compile(r"[A-Za-z0-9._-]+")


def upload_key(owner: Sequence[str], import_id: str) -> str:
    """Name the object that holds the body of one upload."""
    return _key("uploads", *owner, import_id)


def spill_prefix(owner: Sequence[str], import_id: str) -> str:
    """Name the prefix of all spills of one import, with its slash."""
    return _key("spills", *owner, import_id) + "/"


def spill_key(owner: Sequence[str], import_id: str, *, chunk: int, attempt: str) -> str:
    """Name the spill of one attempt at one chunk; two attempts never share an object."""
    return _key("spills", *owner, import_id, f"{chunk:06d}-{attempt}.arrow")


def spill_owner(key: str) -> tuple[tuple[str, ...], str] | None:
    """The owner and the import's id in a key of a spill; ``None`` if it is none."""
    names = key.removeprefix(SPILLS_PREFIX).split("/")
    if not key.startswith(SPILLS_PREFIX) or len(names) < _SHORTEST_SPILL:
        return None
    return tuple(names[:-2]), names[-2]


def export_prefix(owner: Sequence[str], export_id: str) -> str:
    """Name the prefix of all files of one export, with its slash."""
    return _key("exports", *owner, export_id) + "/"


def export_key(owner: Sequence[str], export_id: str, file_name: str) -> str:
    """Name one file of one export."""
    return _key("exports", *owner, export_id, file_name)


def rejected_prefix(owner: Sequence[str], import_id: str) -> str:
    """Name the prefix of the files of one import's rejected rows, with its slash."""
    return _key("rejected", *owner, import_id) + "/"


def rejected_key(owner: Sequence[str], import_id: str, *, attempt: str) -> str:
    """Name the file of rejected rows that one attempt writes."""
    return _key("rejected", *owner, import_id, f"{attempt}.csv")


def _key(*names: str) -> str:
    key = INTERNAL_PREFIX + "/".join(map(_segment, names))
    if len(key) > MAX_KEY_BYTES:
        raise ValueError(f"object key of {len(key)} bytes, S3 takes {MAX_KEY_BYTES}: {key[:80]}…")
    return key


def _segment(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be part of an object key: use letters, digits, . _ -")
    # A resource may be called ".." and HTTP clients fold dot segments; "%" is in no name, so the
    # escaped form cannot meet another one.
    return name.replace(".", "%2E") if not name.strip(".") else name
