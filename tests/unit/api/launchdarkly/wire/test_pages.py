"""Links from page to page."""

from api.launchdarkly.wire.pages import page_links


def test_page_links__sorted_pages__keep_the_sort() -> None:
    links = page_links("/s", "sort=-name&", limit=2, offset=2, total=5)

    assert links["next"]["href"] == "/s?sort=-name&limit=2&offset=4"
    assert links["last"]["href"] == "/s?sort=-name&limit=2&offset=4"
    assert links["prev"]["href"] == "/s?sort=-name&limit=2"
