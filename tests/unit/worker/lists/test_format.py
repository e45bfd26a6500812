import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from worker.lists.format import TAIL_BYTES, is_parquet


def parquet_bytes(rows: int) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"key": pa.array(["a"] * rows, pa.string())}), file)
    return file.getvalue()


@pytest.mark.parametrize("rows", [0, 1, 1000])
def test_is_parquet__parquet__is_it(rows: int) -> None:
    content = parquet_bytes(rows)
    assert is_parquet(content[:5], content[-TAIL_BYTES:])
    assert is_parquet(content[:5], None)


@pytest.mark.parametrize("head", [b"", b"PAR1\n", b"PAR12345\n", b"PARENT\n", b"PARE\r\n"])
def test_is_parquet__text_that_begins_like_it__is_not(head: bytes) -> None:
    assert not is_parquet(head, head)
    assert not is_parquet(head, None)
