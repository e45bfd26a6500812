"""``bigseg members``: add, remove, check and list single members of a big segment."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Final, Literal

import typer

from api.cli.arguments.context_keys import BadKey, GivenKeys, KeyFile, read_keys
from api.cli.commands.browsing import add_browsing
from api.cli.errors import CommandError, ExitStatus
from api.cli.lookups import look_up, report_bad_keys, show_lookups
from api.cli.session.options import SegmentOptions, with_options
from api.cli.session.session import Session
from api.cli.session.tables import Table

#: The API takes no more keys in one request.
_BATCH: Final = 10_000

Action = Literal["add", "remove"]
Excluded = Annotated[bool, typer.Option("--excluded", help="The excluded list, not the included.")]


@dataclass(frozen=True, slots=True)
class _Edit:
    """Which list is edited, and how."""

    action: Action
    list_name: str

    def body(self, keys: list[str]) -> dict[str, Any]:
        return {self.list_name: {self.action: keys}}


def register(app: typer.Typer) -> None:
    """Add the command group ``members``."""
    members = typer.Typer(
        help="Add, remove, check and list single members of a segment.", no_args_is_help=True
    )
    members.command("add")(with_options(_add))
    members.command("remove")(with_options(_remove))
    members.command("check")(with_options(_check))
    add_browsing(members)
    app.add_typer(members, name="members")


def _add(
    target: SegmentOptions,
    session: Session,
    keys: GivenKeys = None,
    *,
    file: KeyFile = None,
    excluded: Excluded = False,
) -> None:
    """Add keys to a segment's included list, 10,000 in one step.

    Whole lists are better imported: an import becomes visible at once or not at all.
    """
    _edit(target, session, _Edit("add", _list_name(excluded=excluded)), read_keys(keys, file))


def _remove(
    target: SegmentOptions,
    session: Session,
    keys: GivenKeys = None,
    *,
    file: KeyFile = None,
    excluded: Excluded = False,
) -> None:
    """Remove keys from a segment's included list, 10,000 in one step."""
    _edit(target, session, _Edit("remove", _list_name(excluded=excluded)), read_keys(keys, file))


def _check(
    target: SegmentOptions,
    session: Session,
    keys: GivenKeys = None,
    *,
    file: KeyFile = None,
    excluded: Excluded = False,
) -> None:
    """Check that keys are in a segment's included list; the status is 1 if one is not."""
    with session.open_connection() as connection:
        results = list(look_up(connection, target.path, read_keys(keys, file)))
    answers = show_lookups(session, target.segment, results)
    absent = [each for each in answers if not (each.excluded if excluded else each.included)]
    if absent:
        name = _list_name(excluded=excluded)
        session.note(f"{len(absent):,} of {len(answers):,} keys are not in the {name} list")
    if absent or len(answers) < len(results):
        raise typer.Exit(ExitStatus.FAILED)


def _edit(
    target: SegmentOptions, session: Session, edit: _Edit, keys: Iterable[str | BadKey]
) -> None:
    sent: list[int] = []
    bad = 0
    try:
        with session.open_connection() as connection:
            for good, faults in _batches(keys):
                bad += report_bad_keys(faults)
                if good:
                    connection.post(f"{target.path}/contexts", edit.body(good))
                    sent.append(len(good))
                if len(good) == _BATCH and not session.hides_progress:
                    session.note(f"batch {len(sent)}: {sum(sent):,} keys sent")
    except CommandError:
        if sent:
            session.note(f"batches before this were applied: {sum(sent):,} keys")
            _show(target, session, edit, sent)
        raise
    _show(target, session, edit, sent)
    if bad:
        raise typer.Exit(ExitStatus.FAILED)


def _show(target: SegmentOptions, session: Session, edit: _Edit, sent: Sequence[int]) -> None:
    verb = "added to" if edit.action == "add" else "removed from"
    title = f"Keys {verb} the {edit.list_name} list of {target.segment}"
    batches = [{"batch": number, "keys": count} for number, count in enumerate(sent, 1)]
    session.show(batches, Table(title, ("batch", "keys"), list(enumerate(sent, 1))))


def _batches(
    keys: Iterable[str | BadKey],
) -> Iterator[tuple[list[str], list[BadKey]]]:
    source = iter(keys)
    while chunk := list(islice(source, _BATCH)):
        good = [key for key in chunk if isinstance(key, str)]
        yield good, [key for key in chunk if isinstance(key, BadKey)]


def _list_name(*, excluded: bool) -> str:
    return "excluded" if excluded else "included"
