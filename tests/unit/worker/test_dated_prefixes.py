"""Placeholders of destinations."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from worker.dated_prefixes import PLACEHOLDERS, Filling, find_fault

BERLIN: Final = ZoneInfo("Europe/Berlin")
FILLING: Final = Filling(
    due=datetime(2026, 3, 29, 3, 5, tzinfo=BERLIN),
    project="default",
    environment="production",
    segment="vip",
    schedule="nightly",
    export_id="X",
)


def test_fill__all_placeholders__are_those_of_the_run() -> None:
    template = "s3://b/" + "/".join(f"{{{name}}}" for name in PLACEHOLDERS)
    assert find_fault(template) is None
    assert FILLING.fill(template) == (
        "s3://b/2026-03-29/2026/03/29/0305/20260329T010500Z/default/production/vip/nightly/X"
    )


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("s3://b/{dat}/", "no placeholder {dat}: use {date}, {year}"),
        ("s3://b/{date!r}/", "no placeholder"),
        ("s3://b/{0.__class__}/", "no placeholder"),
        ("s3://b/{}/", "no placeholder"),
        ("s3://b/{date", "stands alone"),
        ("s3://b/}date{", "stands alone"),
        ("s3://b/{{date}}", "stands alone"),
    ],
    ids=str,
)
def test_find_fault__what_is_no_placeholder__is_told(template: str, why: str) -> None:
    assert why in (find_fault(template) or "")
