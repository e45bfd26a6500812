"""A file of each kind, uploaded over HTTP and imported by a real worker."""

import bz2
import gzip
import io

import pyarrow as pa
import pyarrow.parquet as pq

from tests.support.systems.driving import new_segment
from tests.support.systems.system import System

KEYS = ("ada@example.com", "josé@example.com", "12")
TEXT = "".join(f"{key}\n" for key in KEYS)
TABLE = "".join(f'{number};"{key}"\r\n' for number, key in enumerate(["mail", *KEYS]))


def parquet() -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"n": [1, 2, 3], "mail": KEYS}), file)
    return file.getvalue()


def files() -> list[tuple[bytes, dict[str, str]]]:
    packed = bytes(pa.compress(TEXT.encode(), codec="zstd", asbytes=True))
    json = "".join(f'{{"n": 1, "mail": "{key}"}}\n' for key in KEYS)
    return [
        (TEXT.encode(), {}),
        (TABLE.encode("latin-1"), {"column": "mail", "encoding": "latin-1"}),
        (TEXT.replace("\n", "\tx\n").encode("utf-16"), {}),
        (gzip.compress(TEXT.encode()) * 2, {"compression": "gzip"}),
        (packed, {}),
        (bz2.compress(TABLE.encode()), {"header": "True", "column": "2", "delimiter": ";"}),
        (json.encode(), {"column": "mail"}),
        (parquet(), {"column": "mail", "format": "parquet"}),
        (TEXT.upper().replace("\n", " \nNIL\n").encode(), {"trim": "1", "lowercase": "true"}),
    ]


def test_upload__a_file_of_each_kind__the_same_members(system: System) -> None:
    for content, options in files():
        segment = new_segment(system)
        nulls = {"nullText": "NIL"} if "trim" in options else {}
        report = segment.completed(segment.upload(content, **options, **nulls))
        assert report["accepted"] == len(KEYS), options
        assert segment.members() == set(KEYS), options


def test_upload__of_a_bomb__stopped_with_its_reason(system: System) -> None:
    segment = new_segment(system)
    bomb = gzip.compress(b"a,b\n" * (24 << 20))

    reason = segment.stopped(segment.upload(bomb))

    assert "more than any list would" in reason
