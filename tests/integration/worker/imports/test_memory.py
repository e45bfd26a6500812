"""A worker's memory stays in bounds, whatever the list is that it imports."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.support.processes.started import start
from tests.support.servers.objects import CREDENTIALS, ObjectServer
from tests.support.servers.redis import Server
from tests.support.systems.monsters import MONSTERS

#: Of each process: the worker's, and the one that decodes Parquet for it.
LIMIT_MIB = 512
#: Lists that no worker takes; all others are complete.
REFUSED = {"header": "over 1 MiB", "parquet of one cell": "BIGSEG_PARQUET_MEMORY_BYTES"}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forgets a peak of memory")
def test_worker__list_of_any_kind_made_to_be_heavy__stays_below_its_bound(
    valkey_server: Server, s3_server: ObjectServer, tmp_path: Path
) -> None:
    module = "tests.support.systems.monsters"
    command = [sys.executable, "-m", module, str(valkey_server.port), str(s3_server.port), "1"]
    output = tmp_path / "output"
    with output.open("wb") as file, (tmp_path / "errors").open("wb") as errors:
        process = start(command, os.environ | CREDENTIALS, file, errors)
        assert process.wait(120) == 0, (tmp_path / "errors").read_text()

    found = {one["name"]: one for one in map(json.loads, output.read_text().splitlines())}
    assert found.keys() == MONSTERS.keys()
    for name, one in found.items():
        assert max(one["worker_mib"], one["decoder_mib"]) < LIMIT_MIB, one
        assert one["status"] == ("stopped" if name in REFUSED else "complete"), one
        assert REFUSED.get(name, "") in (one["reason"] or ""), one
