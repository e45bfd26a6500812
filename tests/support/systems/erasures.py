"""Erasures in a system of which every part is in this process, and where a key may be found."""

import json
import zlib
from collections.abc import Iterator
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from tests.support.servers.objects import list_objects
from tests.support.store.stores import PRODUCTION, clock_ms, keys_of, raw, token
from tests.support.systems.imports import Imports
from worker.options.exports import ExportOptions
from worker.store import ExportRequest, ListRef, admit_export
from worker.store.erasures import Erasure
from worker.store.members import pack_key
from worker.tasks.chores import erase_due
from worker.tasks.work import work_on

#: What zlib's output begins with.
_COMPRESSED: Final = b"\x78"


def start_erasure(running: Imports, key: str, kind: str = "user") -> str:
    """Ask for an erasure; its id."""
    store = running.services.store
    digest = store.erased_keys.digest(PRODUCTION, kind, key)
    store.erased_keys.add(PRODUCTION, kind, digest, clock_ms())
    erasure = Erasure(token(), kind, digest, clock_ms(), "ann", key=key)
    return store.erasures.add(PRODUCTION, erasure).id


def take_turn(running: Imports, erasure_id: str) -> Erasure:
    """Take a turn at the erasure, whether or not somebody has just had one."""
    store = running.services.store
    turn = f"erase:{PRODUCTION.project}:{PRODUCTION.environment}:{erasure_id}"
    raw(store).unlink(store.keyspace.turn(turn))
    erase_due(running.services)
    return store.erasures.get(PRODUCTION, erasure_id)


def erase(running: Imports, key: str, kind: str = "user") -> Erasure:
    """Erase a key that no job at work has."""
    erasure = take_turn(running, start_erasure(running, key, kind))
    assert erasure.state == "complete", erasure
    return erasure


def run_export(running: Imports, ref: ListRef, options: ExportOptions) -> str:
    """Export a list; the id of the export."""
    request = ExportRequest(token(), ref, clock_ms(), options)
    admit_export(running.services.store, request)
    while work_on(running.services, request.ref):
        pass
    assert running.services.store.jobs.get(request.ref).status == "complete"
    return request.export_id


def _forms(key: str) -> set[bytes]:
    return {key.encode(), pack_key(key), json.dumps(key).encode()}


def _stored(running: Imports) -> Iterator[tuple[str, bytes]]:
    """Everything in the store, as it is dumped and as it is read."""
    client = raw(running.services.store)
    for name in sorted(keys_of(running.services.store)):
        yield f"name of {name}", name.encode()
        dumped = client.dump(name)
        if dumped is not None:
            yield f"dump of {name}", dumped
        match client.type(name):
            case b"hash":
                for field, value in client.hgetall(name).items():
                    yield f"{name} {field}", field + b" " + value
                    if name.endswith(":files") and value.startswith(_COMPRESSED):
                        yield f"{name} {field}", zlib.decompress(value)
            case b"set":
                yield name, b" ".join(client.smembers(name))
            case b"zset":
                yield name, b" ".join(client.zrange(name, 0, -1))
            case b"stream":
                yield name, repr(client.xrange(name)).encode()
            case b"string":
                yield name, client.get(name) or b""


def _objects(running: Imports) -> Iterator[tuple[str, bytes]]:
    """Everything in the bucket; Parquet also as it is read."""
    objects = running.services.objects
    for info in list_objects(objects, ""):
        content = b"".join(objects.read_range(info, 0, info.size_bytes))
        yield f"object {info.key}", content
        if info.key.endswith(".parquet"):
            table = pq.read_table(pa.BufferReader(content))
            yield f"rows of {info.key}", "\n".join(map(str, table.column(0).to_pylist())).encode()


def places_of(running: Imports, key: str) -> list[str]:
    """Where a key is in the store or in the bucket, in any form that is written."""
    found = [*_stored(running), *_objects(running)]
    return [where for where, content in found if any(form in content for form in _forms(key))]
