"""``bigseg lookup``: which contexts are in a segment."""

import typer

from api.cli.arguments.context_keys import BadKey, GivenKeys, KeyFile, read_keys
from api.cli.errors import ExitStatus
from api.cli.lookups import Found, look_up, tabulate
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

    A key that cannot be one is named with its reason, and the status is 1 after all others.
    """
    keys = read_keys(contexts, file)
    with session.open_connection() as connection:
        results = list(look_up(connection, target.path, keys))
    found = [one for one in results if isinstance(one, Found)]
    session.show([one.answer for one in found], tabulate(f"Segment {target.segment}", found))
    bad = [one for one in results if isinstance(one, BadKey)]
    for one in bad:
        typer.echo(f"bigseg: {one}", err=True)
    if bad:
        raise typer.Exit(ExitStatus.FAILED)
