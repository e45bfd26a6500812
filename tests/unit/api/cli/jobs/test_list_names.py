"""What `bigseg import` is told to read."""

import pytest

from api.cli.errors import UsageError
from api.cli.jobs.list_names import NamedSources


@pytest.mark.parametrize(
    ("sources", "manifest", "body"),
    [
        (["s3://b/a"], None, {"source": "s3://b/a"}),
        (["s3://b/a/", "s3://b/*"], None, {"sources": ["s3://b/a/", "s3://b/*"]}),
        ([], "s3://b/m", {"manifest": "s3://b/m"}),
        (["list.csv"], None, None),
        (["list.csv", "more.csv"], None, None),
    ],
)
def test_sources__one_import__are_told_to_the_api(
    sources: list[str], manifest: str | None, body: object
) -> None:
    named = NamedSources.of(sources, manifest)

    assert named.body == body
    assert named.files == (() if body else tuple(sources))


@pytest.mark.parametrize(
    ("sources", "manifest", "reason"),
    [
        ([], None, "name a file"),
        (["s3://b"], None, "names no object"),
        ([], "m", "names no object"),
        (["s3://b/a"], "s3://b/m", "not both"),
        (["a", "s3://b/a"], None, "all in S3"),
        (["https://example.com/list.csv"], None, "download it, or pipe it"),
    ],
)
def test_sources__that_are_no_import__are_a_usage_error(
    sources: list[str], manifest: str | None, reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        NamedSources.of(sources, manifest)
