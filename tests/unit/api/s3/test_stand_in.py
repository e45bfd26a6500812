"""What the stand-in cleans up when it starts, and what may happen between two of its steps."""

from pathlib import Path

import pytest

from api.s3.blobs import Blob
from api.s3.catalogue import StoredObject, StoredPart, StoredUpload
from api.s3.errors import S3Refusal
from api.s3.stand_in import StandIn

_DAY_S = 24 * 3600.0


def test_tidy__uploads_of_more_than_a_day_ago__are_gone_with_their_parts(tmp_path: Path) -> None:
    stand_in = StandIn.open(tmp_path)
    stand_in.catalogue.make_bucket("lists", 0)
    for started_s, name in ((0.0, "old"), (1.0, "young")):
        upload = StoredUpload("k", f"upload-{name}", started_s, {})
        stand_in.catalogue.start_upload("lists", upload)
        (stand_in.blobs.path / name).write_bytes(b"x")
        part = StoredPart(1, "etag", started_s, Blob(name, 1))
        stand_in.catalogue.put_part("lists", "k", upload.upload_id, part)
    assert stand_in.tidy(now_s=_DAY_S + 0.5) == []
    left = stand_in.catalogue.uploads("lists", "", ("", ""), limit=9)
    assert [upload.upload_id for upload in left] == ["upload-young"]
    assert [path.name for path in stand_in.blobs.path.iterdir()] == ["young"]
    stand_in.catalogue.close()


def test_complete_upload__part_sent_again_meanwhile__is_refused_and_loses_nothing(
    tmp_path: Path,
) -> None:
    stand_in = StandIn.open(tmp_path)
    catalogue = stand_in.catalogue
    catalogue.make_bucket("lists", 0)
    catalogue.start_upload("lists", StoredUpload("k", "u", 0.0, {}))
    for name in ("first", "again"):
        catalogue.put_part("lists", "k", "u", StoredPart(1, "etag", 0.0, Blob(name, 1)))
    stored = StoredObject("k", "etag", 0.0, {}, (Blob("first", 1),))

    with pytest.raises(S3Refusal, match="sent again"):
        catalogue.complete_upload("lists", "u", stored, lambda _etag: None)

    [part] = catalogue.upload_parts("lists", "k", "u")[1]
    assert part.blob.name == "again"
    catalogue.close()
