"""Stops an import that its caller probably did not intend, before it takes effect."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from worker.imports.errors import ImportStopped
from worker.imports.file_table import FileTable
from worker.imports.report import count_rejected, find_doubts
from worker.imports.stage_results import ChunkResult
from worker.lists.keys.doubts import Doubt
from worker.lists.keys.validation import RejectReason
from worker.settings import WorkerSettings
from worker.store.jobs import ImportRequest

#: How each guard is overridden: over HTTP, and on the command line.
_ALLOW_EMPTY: Final = "send allowEmpty=true (bigseg import --allow-empty)"
_ALLOW_REJECTED: Final = "send allowRejected=true (bigseg import --allow-rejected)"
_ALLOW_SHRINK: Final = "send allowShrink=true (bigseg import --allow-shrink)"
#: Modes that remove members which the caller may not have meant.
_TAKING_AWAY: Final = ("replace", "remove")
_DELIMITER_NAMES: Final = {Doubt.TAB: "a tab", Doubt.SEMICOLON: "a semicolon", Doubt.PIPE: "'|'"}


def check_usable(
    settings: WorkerSettings,
    request: ImportRequest,
    chunks: Sequence[ChunkResult],
    files: FileTable,
) -> None:
    """Stop an import of a file of which few rows, or none, were usable.

    Blank rows do not count: they hold no key, and empty lines are common.

    Args:
        settings: Hold the share of rejected rows that is allowed.
        request: The import; it may override the guard.
        chunks: Results of all chunks.
        files: The files of the chunks.

    Raises:
        ImportStopped: too many rows were rejected, or a quote is never closed.
    """
    if request.allow_rejected or request.mode == "reshard":
        return
    doubts = find_doubts(chunks)
    if Doubt.OPEN_QUOTE in doubts:
        message = (
            f"the quote that opens in {files.describe(doubts[Doubt.OPEN_QUOTE][1][0])} is never "
            "closed, so "
            "that row holds all lines up to the end of the file; close it, or, to import the "
            f"rows before it, {_ALLOW_REJECTED}"
        )
        raise ImportStopped(message)
    reasons = count_rejected(chunks)
    del reasons[RejectReason.BLANK.label]
    rejected = sum(reasons.values())
    filled = sum(chunk.valid for chunk in chunks) + rejected
    if rejected == 0 or rejected <= settings.rejected_share * filled:
        return
    counts = ", ".join(f"{reason} {count:,}" for reason, count in sorted(reasons.items()))
    share = "no row was usable" if rejected == filled else "too few rows were usable"
    cause = _guess_cause(reasons, doubts)
    message = (
        f"{share}: {rejected:,} of {filled:,} were rejected ({counts}){cause}; "
        f"to import the others anyway, {_ALLOW_REJECTED}"
    )
    raise ImportStopped(message)


def check_emptying(request: ImportRequest, *, before: int, accepted: int) -> None:
    """Stop a replace by a file without keys, which would leave a list without members.

    Raises:
        ImportStopped: it would.
    """
    if request.mode != "replace" or request.allow_empty or accepted or not before:
        return
    message = (
        f"would empty the list of {before:,} members: no row was accepted; if that is intended, "
        f"{_ALLOW_EMPTY}"
    )
    raise ImportStopped(message)


def check_shrinking(
    settings: WorkerSettings, request: ImportRequest, *, before: int, removed: int
) -> None:
    """Stop a replace or a remove that would lose most of a list.

    One that waits for an approval is not stopped: its report shows the approver what it removes.

    Args:
        settings: Hold the share and the number of members that may be removed.
        request: The import; it may override the guard.
        before: Members of the live list.
        removed: How many of them would be removed, at least.

    Raises:
        ImportStopped: too many would be removed.
    """
    if request.mode not in _TAKING_AWAY or request.allow_shrink or request.waits:
        return
    if removed < settings.shrink_count or removed <= settings.shrink_share * before:
        return
    message = (
        f"the {request.mode} would remove {removed:,} of {before:,} members, "
        f"{removed / before:.0%} of the list; if that is intended, {_ALLOW_SHRINK}, or have it "
        "wait for an approval"
    )
    raise ImportStopped(message)


def check_draft(settings: WorkerSettings, request: ImportRequest, draft: Mapping[str, Any]) -> None:
    """Check a replace or a remove once it is built; see ``check_shrinking``.

    Raises:
        ImportStopped: too many would be removed, or all.
    """
    before, removed = draft["membersBefore"], draft["removed"]
    empties = request.mode == "remove" and 0 < before == removed
    if empties and not request.allow_empty:
        message = (
            f"would empty the list of {before:,} members: all of them are to be removed; if that "
            f"is intended, {_ALLOW_EMPTY}"
        )
        raise ImportStopped(message)
    if not request.allow_empty or (draft["accepted"] and not empties):
        check_shrinking(settings, request, before=before, removed=removed)


def _guess_cause(reasons: Mapping[str, int], doubts: Mapping[Doubt, Any]) -> str:
    """What is probably wrong with the file, as part of a sentence."""
    for doubt, name in _DELIMITER_NAMES.items():
        if doubt in doubts:
            return f"; the delimiter looks like {name}: send delimiter={doubt.label}"
    if max(reasons, key=reasons.__getitem__) == RejectReason.INVALID_UTF8.label:
        return "; the text is not UTF-8: if it is Windows-1252, send encoding=windows-1252"
    return ""
