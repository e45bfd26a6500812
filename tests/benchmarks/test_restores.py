"""The peer of gather sends the payloads that an import would."""

from pathlib import Path

from tests.benchmarks import peers
from tests.benchmarks.lists import first_keys, write_uuids
from tests.benchmarks.restores import encode, restore
from tests.support.servers.redis import running_server
from worker.store import pack_key
from worker.store.members import hash_member, shard_index


def test_restore__list__server_has_every_shard_and_member(tmp_path: Path) -> None:
    file = write_uuids(tmp_path, 5_000)
    windows, size = encode(str(file.path), file.rows)

    with running_server("valkey") as server:
        with restore(file, server.port) as ready:
            restored = ready.send()
        with server.client(db=peers.DATABASE) as client:
            members = [pack_key(key) for key in first_keys(file, 50)]
            held = [
                client.execute_command(
                    "SISMEMBER", f"restored:{shard_index(hash_member(member), 6):06x}", member
                )
                for member in members
            ]
            shards = client.dbsize()

    assert all(held)
    assert shards == restored.shards == 64
    assert restored.payload_bytes == size < sum(map(len, windows))
    assert restored.seconds > 0


def test_dump__restored_shards__answers_each(tmp_path: Path) -> None:
    file = write_uuids(tmp_path, 5_000)

    with running_server("valkey") as server:
        with restore(file, server.port) as ready:
            ready.send()
        names = [f"restored:{number:06x}" for number in range(64)]
        with server.client() as client:
            client.swapdb(0, peers.DATABASE)

        assert peers.dump(server.port, names) > 0
