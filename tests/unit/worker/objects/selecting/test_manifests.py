"""Manifests of exports say how their files were written; an import has to read them so."""

import json
from typing import Any

import pytest

from worker.objects.errors import UnusableSelection
from worker.objects.selecting.manifests import parse_manifest
from worker.options.lists import ListOptions

_CSV: dict[str, Any] = {"format": "csv", "profile": "exact", "header": False, "side": "included"}


def _parse(export: object, reading: ListOptions) -> list[str]:
    document = {"entries": [{"url": "s3://b/part-1.csv"}], "export": export}
    found = parse_manifest(json.dumps(document).encode(), "s3://b/m", reading)
    return [entry.address for entry in found]


@pytest.mark.parametrize(
    ("export", "reading", "advice"),
    [
        ({"profile": "spreadsheet"}, ListOptions(), "send profile=spreadsheet"),
        ({}, ListOptions(profile="spreadsheet"), "leave profile out"),
        ({"header": True}, ListOptions(), "send header=true"),
        ({"header": True}, ListOptions(header=False), "send header=true"),
        ({}, ListOptions(header=True), "leave header out"),
        ({"side": "both"}, ListOptions(), "export each side"),
    ],
)
def test_export__read_in_another_form__is_refused_with_advice(
    export: dict[str, Any], reading: ListOptions, advice: str
) -> None:
    with pytest.raises(UnusableSelection, match=advice):
        _parse(_CSV | export, reading)


@pytest.mark.parametrize(
    ("export", "reading"),
    [
        (_CSV, ListOptions()),
        (_CSV | {"profile": "spreadsheet"}, ListOptions(profile="spreadsheet")),
        (_CSV | {"header": True}, ListOptions(header=True)),
        (_CSV | {"header": True}, ListOptions(column="key")),
        (_CSV | {"format": "parquet", "header": True}, ListOptions()),
        ({"profile": ["spreadsheet"], "header": "yes"}, ListOptions(header=True)),
        ("of somebody else", ListOptions(profile="spreadsheet")),
    ],
)
def test_export__read_as_it_was_written__is_taken(export: object, reading: ListOptions) -> None:
    assert _parse(export, reading) == ["s3://b/part-1.csv"]
