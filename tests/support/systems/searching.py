"""Looks for a context key in everything that bigseg keeps, in any form that is written."""

import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import quote

import cramjam
import pyarrow as pa
import pyarrow.parquet as pq

from tests.support.servers.objects import list_objects
from tests.support.store.stores import keys_of, raw
from worker.objects import ObjectStore
from worker.store import Store
from worker.store.members import hash_member, pack_key


def _rows_of(content: bytes) -> bytes:
    table = pq.read_table(pa.BufferReader(content))
    return "\n".join(str(cell) for column in table.columns for cell in column.to_pylist()).encode()


#: What files begin with that are compressed, and how they are read.
_READERS: Final[dict[bytes, Callable[[bytes], bytes]]] = {
    b"\x78": zlib.decompress,
    b"\x1f\x8b": lambda content: bytes(cramjam.gzip.decompress(content)),
    b"\x28\xb5\x2f\xfd": lambda content: bytes(cramjam.zstd.decompress(content)),
    b"PAR1": _rows_of,
}


def find_key(
    key: str, store: Store, objects: ObjectStore, logs: Mapping[str, str] | None = None
) -> list[str]:
    """Where a key is, or a hash of it that everybody can compute."""
    texts = ((f"log of {name}", text.encode()) for name, text in (logs or {}).items())
    forms = _forms_of(key)
    found = (*_stored(store), *_objects(objects), *texts)
    return [where for where, content in found if any(form in content for form in forms)]


def _forms_of(key: str) -> set[bytes]:
    member = pack_key(key)
    number = hash_member(member)
    spelled = {json.dumps(key, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    hashes = {f"{number:016x}", str(number), f"{number >> 32:08x}"}
    texts = {key, quote(key, safe=""), *spelled, *hashes}
    return {member, *(text.encode() for text in texts)}


def _stored(store: Store) -> Iterator[tuple[str, bytes]]:
    """Everything in the store, as it is dumped and as it is read."""
    client = raw(store)
    for name in sorted(keys_of(store)):
        yield f"name of {name}", name.encode()
        dumped = client.dump(name)
        if dumped is not None:
            yield f"dump of {name}", dumped
        match client.type(name):
            case b"hash":
                for field, value in client.hgetall(name).items():
                    yield from _read(f"{name} {field}", value)
                    yield f"field of {name}", field
            case b"set":
                yield name, b" ".join(client.smembers(name))
            case b"zset":
                yield name, b" ".join(client.zrange(name, 0, -1))
            case b"list":
                yield name, b" ".join(client.lrange(name, 0, -1))
            case b"stream":
                yield name, b" ".join(_texts_of(client.xrange(name)))
            case b"string":
                yield name, client.get(name) or b""


def _texts_of(entries: list[tuple[bytes, dict[bytes, bytes]]]) -> Iterator[bytes]:
    for _, fields in entries:
        for name, value in fields.items():
            yield from (name, value)


def _objects(objects: ObjectStore) -> Iterator[tuple[str, bytes]]:
    """Everything in the bucket."""
    for info in list_objects(objects, ""):
        content = b"".join(objects.read_range(info, 0, info.size_bytes))
        yield f"name of {info.key}", info.key.encode()
        yield from _read(f"object {info.key}", content)


def _read(where: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """Bytes as they are, and as they are read if they are compressed."""
    yield where, content
    for begin, read in _READERS.items():
        if content.startswith(begin):
            try:
                yield where, read(content)
            except (zlib.error, cramjam.DecompressionError, pa.ArrowInvalid):
                continue  # it only looks like it
