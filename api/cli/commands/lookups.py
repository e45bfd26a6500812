"""``bigseg lookup``: which contexts are in a segment."""

import typer

from api.cli.arguments.context_keys import GivenKeys, KeyFile, read_keys
from api.cli.errors import ExitStatus
from api.cli.lookups import look_up, show_lookups
from api.cli.session.options import SegmentOptions, with_options
from api.cli.session.session import Session


def register(app: typer.Typer) -> None:
    """Add the command ``lookup``."""
    app.command("lookup")(with_options(_lookup))


def _lookup(
    target: SegmentOptions,
    session: Session,
    contexts: GivenKeys = None,
    *,
    file: KeyFile = None,
) -> None:
    """Look up whether contexts are included in a segment or excluded from it.

    A key that is not valid is named with the reason; the others are looked up, and the status is 1.
    """
    keys = read_keys(contexts, file)
    with session.open_connection() as connection:
        results = list(look_up(connection, target.path, keys))
    answers = show_lookups(session, target.segment, results)
    if len(answers) < len(results):
        raise typer.Exit(ExitStatus.FAILED)
