"""Links between the pages of a collection."""

from urllib.parse import quote

from api.launchdarkly.wire.links import Link, Links, link


def encode_query(**parameters: str) -> str:
    """Write the parameters that every link of a page repeats, each followed by ``&``.

    Empty ones are left out.
    """
    return "".join(f"{name}={quote(value)}&" for name, value in parameters.items() if value)


def page_links(path: str, query: str, *, limit: int, offset: int, total: int) -> Links:
    """Make the links of a page; those that would lead to no page are left out.

    Args:
        path: the collection.
        query: the other parameters, from :func:`encode_query`.
        limit: items per page.
        offset: the page's first item.
        total: items in all.
    """

    def at(start: int) -> Link:
        position = f"&offset={start}" if start else ""
        return link(f"{path}?{query}limit={limit}{position}")

    links = {"self": link(f"{path}?{query}limit={limit}&offset={offset}")}
    if offset > 0:
        links |= {"first": at(0), "prev": at(max(0, offset - limit))}
    if offset + limit < total:
        links |= {"next": at(offset + limit), "last": at((total - 1) // limit * limit)}
    return links
