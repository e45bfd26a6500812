"""What answers about imports and exports are written as."""

import pytest

from api.jobs.models import format_size


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.0 kB"),
        (1_234_567, "1.2 MB"),
        (5 * 10**16, "50000.0 TB"),
    ],
)
def test_format_size__any__has_a_unit(size_bytes: int, shown: str) -> None:
    assert format_size(size_bytes) == shown
