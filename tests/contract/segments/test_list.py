"""Pages of segments: their links lead through all of them once."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.servers.api import assert_refused, new_key

PATH = "/api/v2/segments/default/test"


@pytest.fixture(scope="module")
def keys(client: httpx.Client) -> Iterator[list[str]]:
    """Seven segments, the only ones of their environment; oldest first."""
    made = [f"{letter}-{new_key()}" for letter in "gdbface"]
    for position, key in enumerate(made):
        body = {"key": key, "name": f"{position}", "unbounded": position % 2 == 0}
        assert client.post(PATH, json=body).status_code == 201
    yield made
    for key in made:
        client.delete(f"{PATH}/{key}")


def _follow(client: httpx.Client, href: str, link: str) -> list[list[str]]:
    pages = []
    while True:
        page = client.get(href).json()
        pages.append([one["key"] for one in page["items"]])
        if link not in page["_links"]:
            return pages
        href = page["_links"][link]["href"]


def test_list__links_to_next__lead_through_all_once(client: httpx.Client, keys: list[str]) -> None:
    pages = _follow(client, f"{PATH}?limit=3", "next")

    assert [len(page) for page in pages] == [3, 3, 1]
    assert sorted(key for page in pages for key in page) == sorted(keys)


def test_list__links_to_prev__lead_back_to_the_first(client: httpx.Client, keys: list[str]) -> None:
    last = client.get(f"{PATH}?limit=3").json()["_links"]["last"]["href"]

    pages = _follow(client, last, "prev")

    assert [len(page) for page in pages] == [1, 3, 3]
    assert len({key for page in pages for key in page}) == len(keys)


def test_list__each_page__says_where_it_is(client: httpx.Client, keys: list[str]) -> None:
    first = client.get(f"{PATH}?limit=3").json()
    middle = client.get(f"{PATH}?limit=3&offset=3").json()
    last = client.get(f"{PATH}?limit=3&offset=6").json()
    whole = client.get(PATH).json()

    assert whole["totalCount"] == first["totalCount"] == len(keys)
    assert set(first["_links"]) == {"self", "next", "last"}
    assert set(middle["_links"]) == {"self", "first", "prev", "next", "last"}
    assert set(last["_links"]) == {"self", "first", "prev"}
    assert set(whole["_links"]) == {"self"}
    assert middle["_links"]["self"]["href"] == f"{PATH}?limit=3&offset=3"
    assert middle["_links"]["first"]["href"] == f"{PATH}?limit=3"


@pytest.mark.usefixtures("keys")
def test_list__sorted_by_name__follows_it_either_way(client: httpx.Client) -> None:
    def names(sort: str) -> list[str]:
        return [one["name"] for one in client.get(PATH, params={"sort": sort}).json()["items"]]

    assert names("name") == list("0123456")
    assert names("-name") == list("6543210")
    assert len(names("-creationDate,name")) == 7


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=x", "offset=-1", "offset=1.5", "sort=key", "filter=nonsense"],
)
def test_list__bad_parameter__is_an_invalid_request(client: httpx.Client, query: str) -> None:
    assert_refused(client.get(f"{PATH}?{query}"), 400, "invalid_request")


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        ("unbounded equals true", "0246"),
        ('query equals "A-SEGMENT"', "4"),
        ('unbounded equals false,query equals ["a-segment", "d-segment"]', "1"),
        ('query equals "g-seg"|query equals "d-seg",unbounded equals true', "0"),
        ('(query equals "g-seg"|query equals "d-seg"),unbounded equals false', "1"),
        ("external exists true", ""),
        ('tags anyOf ["none"]', ""),
        (" ", "0123456"),
    ],
)
@pytest.mark.usefixtures("keys")
def test_list__filtered__has_those_that_pass(client: httpx.Client, chosen: str, names: str) -> None:
    page = client.get(PATH, params={"filter": chosen, "sort": "name", "limit": 2}).json()

    found = []
    for pages in range(4):
        found += [one["name"] for one in page["items"]]
        assert page["totalCount"] == len(names)
        if "next" not in page["_links"]:
            break
        assert pages < 3
        page = client.get(page["_links"]["next"]["href"]).json()
    assert "".join(found) == names


def test_list__filter_with_plus_for_blank__is_decoded(
    client: httpx.Client, keys: list[str]
) -> None:
    chosen = f"includedKeys+anyOf+%5B%22{keys[0]}%22%5D"

    page = client.get(f"{PATH}?filter={chosen}").json()

    assert [one["key"] for one in page["items"]] == [keys[0]]


def test_list__bad_filter__says_where(client: httpx.Client) -> None:
    reply = client.get(PATH, params={"filter": 'tags anyOf ["a"],unbounded equals 7'})

    assert "at character 35" in assert_refused(reply, 400, "invalid_request")


@pytest.mark.usefixtures("keys")
def test_list__past_the_end__is_empty_and_keeps_the_count(client: httpx.Client) -> None:
    page = client.get(f"{PATH}?offset=100").json()

    assert page["items"] == []
    assert page["totalCount"] == 7
