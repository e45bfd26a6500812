"""What the demo expects of a list is what an import accepts of it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from api.local.demo.lists import expected_keys
from tests.support.servers.objects import ObjectServer
from tests.support.servers.redis import Server
from tests.support.systems.imports import Imports, imports_in_process

_CELLS = ["alice", "bob", "alice", "", " ", "k" * 1_025, 'with "quotes", and comma', "ключ"]
_ACCEPTED = ["alice", "bob", 'with "quotes", and comma', "ключ"]


@pytest.fixture(scope="module")
def imports(valkey_server: Server, s3_server: ObjectServer) -> Iterator[Imports]:
    with imports_in_process(valkey_server, s3_server) as running:
        yield running


def _write_csv(path: Path) -> None:
    path.write_text("".join(f'"{cell.replace(chr(34), chr(34) * 2)}",x\n' for cell in _CELLS))


def _write_parquet(path: Path) -> None:
    pq.write_table(pa.table({"key": [*_CELLS, None], "more": range(len(_CELLS) + 1)}), path)


@pytest.mark.parametrize("write", [_write_csv, _write_parquet])
def test_list__the_user_s_own__is_expected_as_it_is_accepted(
    write: Callable[[Path], None], imports: Imports, tmp_path: Path
) -> None:
    path = tmp_path / "list"
    write(path)
    ref = imports.list_of()

    state = imports.run(ref, path.read_bytes())

    assert state.status == "complete"
    expected = expected_keys(path).to_pylist()
    assert expected == _ACCEPTED
    assert imports.members(ref) == set(expected)
