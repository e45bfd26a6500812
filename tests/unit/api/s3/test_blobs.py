"""Pieces of objects: slices of them, and that a lease keeps what is being read."""

from pathlib import Path

import pytest

from api.s3.blobs import Blob, BlobFolder
from api.s3.copying import FileBody


@pytest.fixture
def folder(tmp_path: Path) -> BlobFolder:
    for name, content in (("a", b"0123"), ("b", b""), ("c", b"456789")):
        (tmp_path / name).write_bytes(content)
    return BlobFolder(tmp_path, lambda: "new")


_BLOBS = (Blob("a", 4), Blob("b", 0), Blob("c", 6))


def test_cut__every_range__is_that_range(folder: BlobFolder) -> None:
    content = b"0123456789"
    for start in range(11):
        for end in range(start, 11):
            slices = folder.cut(_BLOBS, start, end)
            assert sum(part.size_bytes for part in slices) == end - start
            copied = folder.write(FileBody(slices)).blob
            assert (folder.path / copied.name).read_bytes() == content[start:end]
            folder.remove([copied])


def test_lease__of_a_removed_piece__keeps_it_until_the_last_one_ends(folder: BlobFolder) -> None:
    slices = folder.cut(_BLOBS, 0, 4)
    assert folder.lease(slices)
    assert folder.lease(slices)
    folder.remove(_BLOBS)
    folder.release(slices)
    assert [path.name for path in folder.path.iterdir()] == ["a"]
    folder.release(slices)
    assert list(folder.path.iterdir()) == []
    assert not folder.lease(slices)


def test_sweep__deletes_what_nothing_names(folder: BlobFolder) -> None:
    assert folder.sweep(frozenset({"a"})) == 2
    assert folder.holds([Blob("a", 4)])
    assert not folder.holds([Blob("a", 5)])
    assert not folder.holds([Blob("c", 6)])
