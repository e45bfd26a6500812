"""``bigseg lookup``: who is in a segment."""

from typing import Annotated

import typer

from api.cli.connection import CommandError
from api.cli.terminal import (
    AsJson,
    Environment,
    Project,
    Segment,
    command,
    place_of,
    show_json,
    show_table,
)


def register(app: typer.Typer) -> None:
    """Add the command ``lookup``."""
    app.command("lookup")(_lookup)


def _lookup(
    contexts: Annotated[list[str], typer.Argument(metavar="CONTEXT…", help="Context keys.")],
    segment: Segment,
    project: Project = "default",
    environment: Environment = "production",
    *,
    as_json: AsJson = False,
) -> None:
    """Ask whether contexts are included in a segment, or excluded from it."""
    place = place_of(segment, project, environment)
    with command(as_json=as_json) as connection:
        if any("\udc80" <= sign <= "\udcff" for key in contexts for sign in key):
            raise CommandError("a context key is not valid UTF-8")
        # Not in a path: clients and proxies change some keys there, and proxies log them.
        answers = [connection.ask(place.lookup_path, {"key": key}) for key in contexts]
    if as_json:
        show_json(answers)
        return
    rows = [(one["userKey"], one["included"], one["excluded"]) for one in answers]
    show_table(f"Segment {segment}", ("context", "included", "excluded"), rows)
