"""Definitions read before are found under their stamp only, and never without end."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from worker.store import EnvironmentRef, Segment
from worker.store.segments.cache import DefinitionCache, Stamp
from worker.store.segments.definitions import decode_segment, encode_segment

ONE, TWO = EnvironmentRef("p", "one"), EnvironmentRef("p", "two")
COUNT: Final = 10


def _texts(env: EnvironmentRef, count: int = COUNT) -> dict[bytes, bytes]:
    segments = [Segment(env, f"s{n}", f"S{n}", 1, n, n) for n in range(count)]
    return {segment.key.encode(): encode_segment(segment) for segment in segments}


def _read(
    cache: DefinitionCache, env: EnvironmentRef, texts: Mapping[bytes, bytes]
) -> dict[bytes, bytes]:
    """Read under the stamp 'x'; give the texts that had to be decoded, by key."""
    decoded: dict[bytes, bytes] = {}

    def noted(key: str, text: bytes) -> Segment:
        decoded[key.encode()] = text
        return decode_segment(env, key, text)

    cache.read(env, b"x", texts, noted)
    return decoded


def test_get__stamp_of_the_reading__gives_them_newest_first() -> None:
    cache = DefinitionCache()
    _read(cache, ONE, _texts(ONE))

    found = cache.get(ONE, Stamp(b"x", COUNT))

    assert found is not None
    assert [one.created_ms for one in found] == list(reversed(range(COUNT)))
    assert cache.get(ONE, Stamp(b"y", COUNT)) is None
    assert cache.get(ONE, Stamp(b"x", COUNT + 1)) is None
    assert cache.get(TWO, Stamp(b"x", COUNT)) is None


def test_read__one_changed__decodes_that_one_only() -> None:
    cache, texts = DefinitionCache(), _texts(ONE)
    assert _read(cache, ONE, texts) == texts
    changed = {b"s3": texts[b"s3"].replace(b"S3", b"T3")}

    assert _read(cache, ONE, texts | changed) == changed


def test_read__without_a_token__is_not_found_again() -> None:
    cache = DefinitionCache()
    cache.read(ONE, None, _texts(ONE), partial(decode_segment, ONE))
    assert cache.get(ONE, Stamp(b"", COUNT)) is None


def test_read__too_many__the_oldest_environment_goes() -> None:
    cache = DefinitionCache(most=COUNT + 5)
    _read(cache, ONE, _texts(ONE))
    _read(cache, TWO, _texts(TWO))
    assert cache.get(ONE, Stamp(b"x", COUNT)) is None
    assert cache.get(TWO, Stamp(b"x", COUNT)) is not None
    _read(cache, TWO, _texts(TWO, COUNT + 6))
    assert cache.get(TWO, Stamp(b"x", COUNT + 6)) is None
