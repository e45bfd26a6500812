"""Listings give every key once, in order, whatever the pages, prefixes and delimiters."""

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from api.s3.bodies import SizedBody
from api.s3.catalogue import StoredObject
from api.s3.operations import answer
from api.s3.requests import Request
from api.s3.stand_in import StandIn

_KEYS = st.text("a/ü", min_size=1, max_size=5)
_TAG = "{http://s3.amazonaws.com/doc/2006-03-01/}"


class _NoHeaders:
    def get(self, name: str, default: str = "", /) -> str:
        return default if name else ""

    def items(self) -> list[tuple[str, str]]:
        return []


@given(
    st.sets(_KEYS, max_size=12),
    st.text("a/ü", max_size=2),
    st.sampled_from(["", "/", "a/"]),
    st.integers(1, 4),
    st.booleans(),
)
def test_listing__any_pages__gives_each_key_or_folder_once_and_in_order(
    keys: set[str], prefix: str, delimiter: str, limit: int, second: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        stand_in = StandIn.open(Path(folder))
        stand_in.catalogue.make_bucket("lists", 0)
        for key in keys:
            stand_in.catalogue.put("lists", StoredObject(key, "x", 0, {}, ()), lambda _: None)
        query = {"prefix": prefix, "delimiter": delimiter, "max-keys": str(limit)}
        pages = list(_pages(stand_in, query | ({"list-type": "2"} if second else {})))
        stand_in.catalogue.close()
    found = [key for page in pages for key in page]
    expected = {_fold(key, prefix, delimiter) for key in keys if key.startswith(prefix)}
    assert found == sorted(expected, key=str.encode)
    assert all(len(page) == limit for page in pages[:-1])


def _fold(key: str, prefix: str, delimiter: str) -> str:
    at = key.find(delimiter, len(prefix)) if delimiter else -1
    return key if at < 0 else key[: at + len(delimiter)]


def _pages(stand_in: StandIn, query: dict[str, str]) -> Iterator[list[str]]:
    while True:
        body = SizedBody(io.BytesIO(), 0)
        request = Request("GET", "lists", "", query, _NoHeaders(), body, 0)
        reply = answer(stand_in, request)
        assert reply.status == 200
        root = ET.fromstring(reply.content)  # noqa: S314  # our own document
        named = [*root.iterfind(f"{_TAG}Contents/{_TAG}Key")]
        named += root.iterfind(f"{_TAG}CommonPrefixes/{_TAG}Prefix")
        yield sorted((element.text or "" for element in named), key=str.encode)
        if root.findtext(f"{_TAG}IsTruncated") == "false":
            return
        for name, element in (
            ("continuation-token", "NextContinuationToken"),
            ("marker", "NextMarker"),
        ):
            query = query | {name: root.findtext(f"{_TAG}{element}") or ""}
