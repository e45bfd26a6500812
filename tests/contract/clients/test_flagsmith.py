"""How Flagsmith's importer reads all segments of an environment: 50 at a time."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from tests.support.servers.api import Api, new_key

_PAGE = 50
_COUNT = 2 * _PAGE + 3

Pages = Iterator[list[dict[str, Any]]]


@pytest.fixture(scope="module")
def segments(api: Api) -> Iterator[str]:
    """An environment with a few pages of segments; the path of its list."""
    project = new_key("project")
    with api.client() as client:
        client.post("/api/v2/projects", json={"name": "n", "key": project}).raise_for_status()
        path = f"/api/v2/segments/{project}/production"
        for number in range(_COUNT):
            body = {"name": "n", "key": f"segment-{number}"}
            client.post(path, json=body).raise_for_status()
        yield path
        client.delete(f"/api/v2/projects/{project}").raise_for_status()


def _by_offset(client: httpx.Client, path: str) -> Pages:
    """Until a page is short."""
    offset, count = 0, _PAGE
    while count == _PAGE:
        params = {"limit": _PAGE} | ({"offset": offset} if offset else {})
        items = client.get(path, params=params).raise_for_status().json()["items"]
        yield items
        offset, count = offset + _PAGE, len(items)


def _by_links(client: httpx.Client, path: str) -> Pages:
    """As long as there is a next page."""
    url: str | None = str(client.base_url.join(f"{path}?limit={_PAGE}"))
    while url is not None:
        body = client.get(url).raise_for_status().json()
        yield body["items"]
        following = body["_links"].get("next")
        url = None if following is None else urljoin(str(client.base_url), following["href"])


@pytest.mark.parametrize("pages_of", [_by_offset, _by_links])
def test_all_segments__read_in_pages__come_once_each_newest_first(
    client: httpx.Client, segments: str, pages_of: Callable[[httpx.Client, str], Pages]
) -> None:
    pages = list(pages_of(client, segments))

    assert [len(page) for page in pages] == [_PAGE, _PAGE, 3]
    keys = [one["key"] for page in pages for one in page]
    assert keys == [f"segment-{number}" for number in reversed(range(_COUNT))]
    assert all({"rules", "included", "excluded", "tags"} <= set(one) for one in pages[0])
