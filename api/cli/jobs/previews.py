"""Prints what an import would change: how many keys, and some of them."""

from typing import Any, Final

from api.cli.connection.connection import Connection
from api.cli.errors import CommandError, ExitStatus
from api.cli.session.tables import Table

_KINDS: Final = ("added", "removed", "unchanged")
#: Keys of each kind beside a report; `bigseg imports preview` shows all that there are.
_SHOWN: Final = 5


def fetch_preview(
    connection: Connection, location: str, job: dict[str, Any]
) -> dict[str, Any] | None:
    """Get the preview of an import at this path; ``None`` if it has none, or no longer."""
    if "preview" not in job["_links"]:
        return None
    try:
        preview: dict[str, Any] = connection.get(f"{location}/preview")
    except CommandError as exc:
        if exc.exit_status is ExitStatus.NOT_FOUND:
            return None
        raise
    return preview


def summary_table(preview: dict[str, Any]) -> Table:
    """The changes of an import in a line each, with a few keys."""
    rows = [(kind, preview[kind]["count"], _list_keys(preview[kind])) for kind in _KINDS]
    return Table("Preview", ("keys", "count", "some of them"), rows)


def key_table(preview: dict[str, Any]) -> Table:
    """A key a row."""
    rows = [(kind, key) for kind in _KINDS for key in preview[kind]["keys"]]
    return Table("Some of the keys", ("change", "key"), rows, frozenset({"key"}))


def count_table(preview: dict[str, Any]) -> Table:
    """How many keys there are of each kind."""
    rows = [(kind, preview[kind]["count"]) for kind in _KINDS]
    return Table("Preview", ("keys", "count"), rows)


def _list_keys(changed: dict[str, Any]) -> str:
    shown = changed["keys"][:_SHOWN]
    return ", ".join(shown) + ("…" if changed["count"] > len(shown) else "")
