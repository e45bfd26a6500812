"""``bigseg lookup``: which contexts are in a segment."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.arguments.context_keys import STANDARD_INPUT, GivenKeys, KeyFile, read_keys
from api.cli.arguments.key_files import KeyFileForm, open_keys
from api.cli.bulk_lookups import BadKeys, look_up_file, note_revisions, write_csv, write_json
from api.cli.errors import ExitStatus, UsageError
from api.cli.lookups import look_up, show_lookups
from api.cli.session.completion import complete_segments
from api.cli.session.options import SegmentOptions, with_options
from api.cli.session.session import Session
from api.progress.display import ProgressDisplay

_Also = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY",
        help="Another segment, as one more column; needs a file. Can be repeated.",
        autocompletion=complete_segments,
    ),
]
_AsCsv = Annotated[
    bool | None,
    typer.Option(
        "--csv/--lines",
        help="Whether the file is CSV, whose first column holds the keys, or has one key a line.",
        show_default="CSV if its name ends with .csv or .csv.gz",
    ),
]
_Header = Annotated[bool, typer.Option("--header", help="The first row of the CSV is a header.")]


def register(app: typer.Typer) -> None:
    """Add the command ``lookup``."""
    app.command("lookup")(with_options(_lookup))


def _lookup(
    target: SegmentOptions,
    session: Session,
    contexts: GivenKeys = None,
    *,
    file: KeyFile = None,
    also: _Also = None,
    as_csv: _AsCsv = None,
    header: _Header = False,
) -> None:
    """Look up whether contexts are included in a segment or excluded from it.

    The keys of a file, of any size, are answered as CSV: the key, and `included`, `excluded` or
    `unknown`. A key in both lists is `included`, as in evaluation; one in neither is `unknown`. A
    key that is not valid is named with the reason; the others are looked up, and the status is 1.
    """
    if contexts == [STANDARD_INPUT] and file is None:
        contexts, file = None, Path(STANDARD_INPUT)
    if file is not None and not contexts:
        form = KeyFileForm.of(file, as_csv=as_csv, header=header)
        _look_up_file(target, session, file, form, also or [])
        return
    if also or header or as_csv is not None:
        raise UsageError("--also, --csv, --lines and --header are for keys of --from FILE or -")
    keys = read_keys(contexts, file)
    with session.open_connection() as connection:
        results = list(look_up(connection, target.path, keys))
    answers = show_lookups(session, target.segment, results)
    if len(answers) < len(results):
        raise typer.Exit(ExitStatus.FAILED)


def _look_up_file(
    target: SegmentOptions, session: Session, path: Path, form: KeyFileForm, also: list[str]
) -> None:
    segments = [target.segment, *also]
    if len(set(segments)) < len(segments):
        raise UsageError("name each segment once")
    if session.as_json and also:
        raise UsageError("--json is for one segment: leave out --also, or --json for CSV")
    bad_keys = BadKeys(lambda text: typer.echo(text, err=True))
    with (
        session.open_connection() as connection,
        ProgressDisplay(hidden=session.hides_progress) as display,
        open_keys(path, form) as keys,
    ):

        def write(text: str) -> None:
            display.clear()
            typer.echo(text, nl=False)

        def note(text: str) -> None:
            display.clear()
            session.note(text)

        where = f"{target.segments_path}/memberships"
        found = look_up_file(connection, where, segments, keys, bad_keys, display)
        found = note_revisions(segments, found, note)
        if session.as_json:
            write_json(found, write)
        else:
            write_csv(segments, found, write)
    bad_keys.close()
    if bad_keys.count:
        raise typer.Exit(ExitStatus.FAILED)
