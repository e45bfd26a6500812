"""The kinds of imports that are killed: how each is started, and what must come of it."""

import gzip
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import pyarrow as pa
import pyarrow.parquet as pq

from tests.support.systems.driving import (
    BigSegment,
    csv_of,
    new_segment,
    put_list,
    random_keys,
)
from tests.support.systems.system import System

_MIB: Final = 1024 * 1024
#: The least length of a part that S3 takes.
PART_BYTES: Final = 5 * _MIB

OLD: Final = random_keys(200, 21)
_NEW: Final = random_keys(1_500, 22)
_BOTH: Final = OLD[100:]
_DUPLICATES, _BLANK = 40, 5
#: New keys of a list that one unit reads and gathers in one go.
_FEW: Final = 150
#: Rows of one of many objects.
_OBJECT_ROWS: Final = 200
#: Bytes of a packed file: more than is read at a time.
_PACKED_BYTES: Final = 3 * _MIB // 2

_STRANGER: Final = "stranger"
#: Keys that a reader asks for: of the old list alone, of the file alone, of both, of neither.
PROBED: Final = (OLD[0], _NEW[0], _BOTH[0], OLD[99], _NEW[_FEW - 1], _BOTH[-1], _STRANGER)


def _rows(new: int) -> list[str]:
    """The rows of a file with so many new keys."""
    return [*_NEW[:new], *_BOTH, *_NEW[:_DUPLICATES], *[""] * _BLANK]


#: What every other file holds.
_ROWS: Final = _rows(len(_NEW))

Start = Callable[[BigSegment, str, bool], str]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of import."""

    name: str
    start: Start
    """Starts it in a segment, in a mode, perhaps to wait for an approval; gives its id."""
    mode: str = "replace"
    new: int = len(_NEW)
    """New keys in its file."""
    blank: int = _BLANK
    """Rows in its file that are rejected."""
    waits: bool = False
    dry_run: bool = False
    instead: Mapping[str, str] = field(default_factory=dict)
    """Its moments in place of those that it does not have."""

    @property
    def members(self) -> set[str]:
        """What the list holds once the import has ended."""
        if self.dry_run:
            return {*OLD}
        if self.mode == "remove":
            return {*OLD} - {*_BOTH}
        listed = {*_NEW[: self.new], *_BOTH}
        return listed | {*OLD} if self.mode == "merge" else listed

    @property
    def report(self) -> dict[str, int]:
        """The figures that its report must have."""
        removed = {"merge": 0, "replace": len(OLD) - len(_BOTH), "remove": len(_BOTH)}[self.mode]
        removes = self.mode == "remove"
        added = 0 if removes else self.new
        figures = {
            "rowsRead": self.new + len(_BOTH) + _DUPLICATES + self.blank,
            "accepted": self.new + len(_BOTH),
            "duplicates": _DUPLICATES,
            "rejected": self.blank,
            "membersBefore": len(OLD),
            "added": added,
            "removed": removed,
            "unchanged": 0 if removes else len(_BOTH),
            "editedWhileImporting": 0,
            "membersAfter": len(OLD) + added - removed,
        }
        return figures | ({"unmatched": self.new} if removes else {})


def put_sources(system: System) -> None:
    """Put the lists that imports read from the bucket."""
    put_list(system, csv_of(_ROWS), "crash.csv")
    put_list(system, _packed(_PACKED_BYTES, level=1), "crash.csv.gz")
    table = io.BytesIO()
    pq.write_table(pa.table({"key": [row or None for row in _ROWS]}), table, row_group_size=1_000)
    put_list(system, table.getvalue(), "crash.parquet")
    for first in range(0, len(_ROWS), _OBJECT_ROWS):
        put_list(system, csv_of(_ROWS[first : first + _OBJECT_ROWS]), f"crash/{first:04d}")


def _packed(size_bytes: int, *, level: int) -> bytes:
    """The rows in gzip's form, padded by another column to about so many bytes of text."""
    padding = size_bytes // len(_ROWS) - len(f"{OLD[0]},\n")
    return gzip.compress("".join(f"{row},{'x' * padding}\n" for row in _ROWS).encode(), level)


def _from_bucket(name: str) -> Start:
    def start(segment: BigSegment, mode: str, waits: bool) -> str:
        return segment.import_source(f"lists/{name}", mode, waitOnApprovals=waits)

    return start


def _upload(segment: BigSegment, mode: str, waits: bool) -> str:
    return segment.upload(csv_of(_ROWS), mode, waitOnApprovals=str(waits).lower())


def _upload_few(segment: BigSegment, mode: str, waits: bool) -> str:
    return segment.upload(csv_of(_rows(_FEW)), mode, waitOnApprovals=str(waits).lower())


def _try(segment: BigSegment, mode: str, _waits: bool) -> str:
    return segment.upload(csv_of(_ROWS), mode, dryRun="true")


def _upload_directly(segment: BigSegment, mode: str, waits: bool) -> str:
    """Send the list to the bucket in two parts: as they are, in gzip's form."""
    content = _packed(PART_BYTES + _MIB // 4, level=0)
    assert PART_BYTES < len(content) <= 2 * PART_BYTES
    http, path = segment.system.http, f"{segment.path}/uploads"
    opened = _json(http.post(path, json={"filename": "crash.gz", "sizeBytes": len(content)}))
    for part in opened["urls"]["parts"]:
        first = PART_BYTES * (part["number"] - 1)
        assert httpx.put(part["url"], content=content[first : first + PART_BYTES]).is_success
    _json(http.post(f"{path}/{opened['id']}/complete"))
    body = {"uploads": [opened["id"]], "mode": mode, "waitOnApprovals": waits}
    import_id = str(_json(http.post(f"{segment.path}/imports", json=body))["id"])
    segment.imports.append(import_id)
    return import_id


def _compose(segment: BigSegment, mode: str, waits: bool) -> str:
    """Of two segments, both of which are edited as soon as it has begun."""
    first, second = new_segment(segment.system), new_segment(segment.system)
    _edit(first, add=[*_NEW[:1_000], *_BOTH])
    _edit(second, add=_NEW[1_000 - _DUPLICATES :])
    import_id = segment.compose("union", first, second, mode=mode, waitOnApprovals=waits)
    _edit(first, remove=[_NEW[0]], add=[_STRANGER])
    _edit(second, remove=_NEW[-100:])
    return import_id


def _edit(segment: BigSegment, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
    reply = segment.edit(add=add, remove=remove)
    assert reply.is_success, reply.text


def _json(reply: httpx.Response) -> dict[str, Any]:
    assert reply.is_success, reply.text
    body: dict[str, Any] = reply.json()
    return body


KINDS: Final = (
    Kind("csv", _from_bucket("crash.csv")),
    Kind("gzip", _from_bucket("crash.csv.gz")),
    Kind("parquet", _from_bucket("crash.parquet")),
    Kind("many objects", _from_bucket("crash/"), mode="merge"),
    Kind("direct upload", _upload_directly),
    Kind("remove", _upload, mode="remove"),
    Kind("approved replace", _upload, waits=True),
    Kind("small", _upload_few, new=_FEW),
    # It waits for nobody.
    Kind("dry run", _try, dry_run=True, instead={"approval": "flip"}),
    # Members come from lists that are there: its gather stage reads them.
    Kind("composition", _compose, blank=0, instead={"scatter": "gather"}),
)
