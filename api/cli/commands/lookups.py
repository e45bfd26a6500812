"""``bigseg lookup``: which contexts are in a segment."""

from typing import Annotated

import typer

from api.cli.errors import UsageError
from api.cli.options import SegmentOptions, with_options
from api.cli.session import Session
from api.cli.tables import Table


def register(app: typer.Typer) -> None:
    """Add the command ``lookup``."""
    app.command("lookup")(with_options(_lookup))


def _lookup(
    contexts: Annotated[list[str], typer.Argument(metavar="CONTEXT…", help="Context keys.")],
    target: SegmentOptions,
    session: Session,
) -> None:
    """Look up whether contexts are included in a segment or excluded from it."""
    with session.open_connection() as connection:
        if any("\udc80" <= character <= "\udcff" for key in contexts for character in key):
            raise UsageError("a context key is not valid UTF-8")
        path = f"{target.path}/contexts/lookup"
        # No key is in a path: clients and proxies change some there, and proxies log them.
        answers = [connection.ask(path, {"key": key}) for key in contexts]
    rows = [(found["userKey"], found["included"], found["excluded"]) for found in answers]
    title = f"Segment {target.segment}"
    session.show(answers, Table(title, ("context", "included", "excluded"), rows))
