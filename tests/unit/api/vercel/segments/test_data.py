"""Data of segments from and to the wire, as models."""

from api.vercel.segments.data import SegmentData
from tests.support.vercel.segments import every_form


def test_data__of_every_form__is_written_as_it_was_read() -> None:
    """Warnings are errors here: one for each condition took minutes, and showed their values."""
    data = every_form()

    assert SegmentData.model_validate(data, by_name=False).to_wire() == data
