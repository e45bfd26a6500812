"""A setting that is wrong is named with what is wrong, and without its value."""

import pytest
from pydantic import ValidationError

from api.settings import ApiSettings
from worker.settings import WorkerSettings, invalid_settings

_LIST = 'must be a JSON list of strings, such as ["…", "…"]'


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("CORS_ORIGINS", "https://a.example", _LIST),
        ("CORS_ORIGINS", '"https://a.example"', _LIST),
        ("S3_SOURCES", "s3://bucket/lists/", _LIST),
        ("S3_SOURCES", "[1]", _LIST),
        ("REDIS_TIMEOUT_S", "soon", "Input should be a valid number"),
    ],
)
def test_setting__invalid__is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, fault: str
) -> None:
    monkeypatch.setenv(f"BIGSEG_{name}", value)

    with pytest.raises(ValidationError) as refused:
        ApiSettings.from_environment()

    [line] = invalid_settings(refused.value).splitlines()
    assert line.startswith(f"BIGSEG_{name}: {fault}")
    assert value not in line


def test_setting__list__is_read_from_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGSEG_S3_SOURCES", '["s3://a/b/", "s3://c/"]')

    assert WorkerSettings.from_environment().sources == ("s3://a/b/", "s3://c/")
