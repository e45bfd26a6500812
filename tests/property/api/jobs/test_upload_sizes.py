"""The parts of a direct upload are the file, whatever its size, and nothing else is taken."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import Conflict
from api.jobs.uploads.sizes import (
    count_parts,
    plan_sizes,
    require_parts,
    require_whole,
    select_received,
)
from api.settings import ApiSettings
from worker.objects import MAX_PARTS, UploadedPart
from worker.store import Upload

_GIB = 1024**3
_SETTINGS = ApiSettings(max_direct_upload_bytes=5 * 1024 * _GIB)
_SIZES = st.one_of(
    st.integers(0, 5 * 1024 * _GIB),
    # Around whole numbers of parts.
    st.builds(
        lambda parts, more: max(0, parts * _SETTINGS.upload_part_bytes + more),
        st.integers(0, MAX_PARTS),
        st.integers(-1, 1),
    ),
)


def _upload(size_bytes: int | None) -> Upload:
    part_bytes, max_bytes = plan_sizes(_SETTINGS, size_bytes)
    return Upload("u", "open", "s.g1", "k", "f", part_bytes, max_bytes, 0, 0, size_bytes)


def _parts(sizes: dict[int, int]) -> list[UploadedPart]:
    return [UploadedPart(number, size, f"e{number}") for number, size in sizes.items()]


@given(_SIZES)
def test_parts__of_a_known_size__are_the_file(size_bytes: int) -> None:
    upload = _upload(size_bytes)
    count = count_parts(upload)
    assert count is not None
    assert 1 <= count <= MAX_PARTS
    sizes = require_parts(upload, 1, MAX_PARTS, None)
    assert list(sizes) == list(range(1, count + 1))
    assert sum(sizes.values()) == size_bytes
    assert set(list(sizes.values())[:-1]) <= {upload.part_bytes}
    parts = _parts(sizes)
    require_whole(upload, parts)
    assert select_received(upload, parts) == parts


@given(_SIZES, st.data())
def test_parts__one_of_another_length__are_refused(size_bytes: int, data: st.DataObject) -> None:
    upload = _upload(size_bytes)
    parts = _parts(require_parts(upload, 1, MAX_PARTS, None))
    index = data.draw(st.integers(0, len(parts) - 1))
    other = data.draw(
        st.integers(0, 2 * upload.part_bytes).filter(lambda n: n != parts[index].size_bytes)
    )
    changed = [*parts]
    changed[index] = replace(parts[index], size_bytes=other)
    without, beyond = (
        parts[:index] + parts[index + 1 :],
        [*parts, UploadedPart(len(parts) + 1, 0, "e")],
    )
    for wrong in (changed, without, beyond):
        with pytest.raises(Conflict):
            require_whole(upload, wrong)
    assert changed[index] not in select_received(upload, changed)


@given(st.integers(1, 50), st.integers(0, _SETTINGS.upload_part_bytes))
def test_parts__of_an_unknown_size__end_with_a_shorter_one(count: int, last_bytes: int) -> None:
    upload = _upload(None)
    full = _parts(require_parts(upload, 1, count, None))
    last = _parts(require_parts(upload, count + 1, 1, last_bytes))
    require_whole(upload, [*full, *last])
    if last_bytes < upload.part_bytes:
        further = UploadedPart(count + 2, upload.part_bytes, "e")
        with pytest.raises(Conflict):
            require_whole(upload, [*full, *last, further])
