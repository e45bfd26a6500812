"""``bigseg lookup``: which contexts are in a segment."""

from typing import Annotated

import typer

from api.cli.connection import CommandError
from api.cli.options import AsJson, SegmentOptions, with_options
from api.cli.terminal import open_connection, print_json, print_table


def register(app: typer.Typer) -> None:
    """Add the command ``lookup``."""
    app.command("lookup")(with_options(_lookup))


def _lookup(
    contexts: Annotated[list[str], typer.Argument(metavar="CONTEXT…", help="Context keys.")],
    target: SegmentOptions,
    *,
    as_json: AsJson = False,
) -> None:
    """Look up whether contexts are included in a segment or excluded from it."""
    with open_connection(as_json=as_json) as connection:
        if any("\udc80" <= character <= "\udcff" for key in contexts for character in key):
            raise CommandError("a context key is not valid UTF-8")
        path = f"{target.path}/contexts/lookup"
        # No key is in a path: clients and proxies change some there, and proxies log them.
        answers = [connection.ask(path, {"key": key}) for key in contexts]
    if as_json:
        print_json(answers)
        return
    rows = [(found["userKey"], found["included"], found["excluded"]) for found in answers]
    print_table(f"Segment {target.segment}", ("context", "included", "excluded"), rows)
