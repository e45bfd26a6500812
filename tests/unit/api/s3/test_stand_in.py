"""What the stand-in cleans up when it starts."""

from pathlib import Path

from api.s3.blobs import Blob
from api.s3.catalogue import StoredPart, StoredUpload
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
