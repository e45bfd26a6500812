"""Data of segments from and to the wire, as models."""

from typing import Any

import pytest
from pydantic import ValidationError

from api.vercel.segments.data import SegmentData
from tests.support.vercel.segments import every_form


def test_data__of_every_form__is_written_as_it_was_read() -> None:
    """Warnings are errors here: one for each condition took minutes, and showed their values."""
    data = every_form()

    assert SegmentData.model_validate(data, by_name=False).to_wire() == data


@pytest.mark.parametrize(
    "data",
    [
        {"rules": [1] * 100},
        {"rules": [{"id": "r", "conditions": [1] * 100, "outcome": {"type": "all"}}]},
    ],
)
def test_data__of_many_faults__is_read_to_the_first(data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as raised:
        SegmentData.model_validate(data, by_name=False)

    assert raised.value.error_count() == 1
