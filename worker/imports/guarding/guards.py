"""Guards: what keeps an import from being published that its caller probably did not intend.

There is one rule. A guard that trips makes the import wait for an approval, which publishes what
was built, or stops it, as the caller says. An import without one accepted row is stopped: there is
nothing to approve. A dry run goes on, and its report shows the guard. Several may trip at once: one
that stops the import comes first, and the message tells all, so that nobody approves what only
the first of them was about.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from worker.imports.errors import ImportStopped
from worker.imports.guarding.doubted_rows import describe_doubted, doubted_rows
from worker.imports.planning.file_table import FileTable
from worker.imports.report import count_rejected, find_doubts
from worker.imports.stage_results import ChunkResult
from worker.imports.stage_run import StageRun
from worker.lists.keys.doubts import Doubt
from worker.lists.keys.validation import RejectReason
from worker.settings import WorkerSettings
from worker.store.jobs import OBJECTION, GuardName, ImportRequest, Objection

#: How each guard is overridden: over HTTP, and on the command line.
_ALLOW_EMPTY: Final = "send allowEmpty=true (bigseg import --allow-empty)"
_ALLOW_REJECTED: Final = "send allowRejected=true (bigseg import --allow-rejected)"
_ALLOW_SHRINK: Final = "send allowShrink=true (bigseg import --allow-shrink)"
_ACCEPT_WARNINGS: Final = "send onWarning=accept (bigseg import --on-warning accept)"
_IF_INTENDED: Final = "if that is intended,"
_DELIMITER_NAMES: Final = {Doubt.TAB: "a tab", Doubt.SEMICOLON: "a semicolon", Doubt.PIPE: "'|'"}


@dataclass(frozen=True, slots=True)
class Finding:
    """A guard that trips."""

    guard: GuardName
    what: str
    """What is unusual, in numbers."""
    remedy: str
    """How to say that it is intended."""


def object_to(run: StageRun, findings: Sequence[Finding], *, accepted: int) -> None:
    """Record what guards found, and stop the import unless all of them let it wait.

    Args:
        run: The import.
        findings: What :func:`find_row_findings` and :func:`find_size_findings` found.
        accepted: Rows that were accepted.

    Raises:
        ImportStopped: it is stopped.
    """
    if not findings:
        return
    request = run.request
    stopping = [each for each in findings if stops(request, each, accepted=accepted)]
    ordered = [*stopping, *(each for each in findings if each not in stopping)]
    approve = "" if stopping or request.dry_run else "approve it, or "
    reason = "; also, ".join(f"{each.what} {approve}{each.remedy}" for each in ordered)
    if request.composition is not None:
        reason = reason.replace("(bigseg import ", "(bigseg compose ")
    run.services.store.jobs.write(request.ref, OBJECTION, Objection(ordered[0].guard, reason))
    if stopping:
        raise ImportStopped(reason)


def stops(request: ImportRequest, finding: Finding, *, accepted: int) -> bool:
    """Whether a finding stops the import; if not, it waits for an approval."""
    if request.dry_run:
        return False
    policy = request.guards.on_guard
    if finding.guard == "warnings":
        policy = "stop" if request.guards.on_warning == "stop" else "pend"
    return policy == "stop" or accepted == 0


def find_row_findings(
    settings: WorkerSettings,
    request: ImportRequest,
    chunks: Sequence[ChunkResult],
    files: FileTable,
    whole: Sequence[str] = (),
    *,
    before: int,
) -> list[Finding]:
    """Check the rows of the list files, which are known before anything is built.

    Args:
        settings: Hold the shares for imports that say nothing.
        request: The import.
        chunks: Results of all chunks.
        files: The files of the chunks.
        whole: Labels of doubts about whole files.
        before: Members of the live list.
    """
    if request.mode == "reshard":
        return []
    valid = sum(chunk.valid for chunk in chunks)
    return [
        *_find_rejected(settings, request, chunks, files),
        *_find_emptying(request, before, valid),
        *_find_doubted(settings, request, chunks, whole),
    ]


def find_size_findings(
    settings: WorkerSettings, request: ImportRequest, *, before: int, removed: int, added: int
) -> list[Finding]:
    """Check how a replace or a remove changes the size of the list.

    Args:
        settings: Hold the shares for imports that say nothing.
        request: The import.
        before: Members of the live list.
        removed: How many of them would be removed, at least.
        added: How many would be added; 0 while it is not known.
    """
    match request.mode:
        case "replace":
            return [
                *_find_shrinking(settings, request, before, removed),
                *_find_growth(settings, request, before, added - removed),
            ]
        case "remove" if 0 < before == removed:
            return [*_find_removal(request, before)]
        case "remove":
            return [*_find_shrinking(settings, request, before, removed)]
        case _:
            return []


def find_build_findings(
    settings: WorkerSettings,
    request: ImportRequest,
    chunks: Sequence[ChunkResult],
    files: FileTable,
    draft: Mapping[str, Any],
    whole: Sequence[str],
) -> list[Finding]:
    """Check an import once it is built, when all figures are exact."""
    before, removed = draft["membersBefore"], draft["removed"]
    found = find_row_findings(settings, request, chunks, files, whole, before=before)
    if not draft["accepted"]:
        # An empty list has a guard of its own, and one word that allows it.
        return found
    return found + find_size_findings(
        settings, request, before=before, removed=removed, added=draft["added"]
    )


def _find_rejected(
    settings: WorkerSettings,
    request: ImportRequest,
    chunks: Sequence[ChunkResult],
    files: FileTable,
) -> Iterator[Finding]:
    """Object to a file of which few rows, or none, were usable, or whose last quote is open.

    Blank rows do not count: they hold no key, and empty lines are common.
    """
    if request.allow_rejected:
        return
    doubts = find_doubts(chunks)
    if Doubt.OPEN_QUOTE in doubts:
        what = (
            f"the quote that opens in {files.describe(doubts[Doubt.OPEN_QUOTE][1][0])} is never "
            "closed, so "
            "that row holds all lines up to the end of the file; close it, or, to import the "
            "rows before it,"
        )
        yield Finding("open_quote", what, _ALLOW_REJECTED)
        return
    reasons = count_rejected(chunks)
    del reasons[RejectReason.BLANK.label]
    rejected = sum(reasons.values())
    filled = sum(chunk.valid for chunk in chunks) + rejected
    most = _share(request.guards.max_rejected_share, settings.rejected_share)
    if rejected == 0 or rejected <= most * filled:
        return
    counts = ", ".join(f"{reason} {count:,}" for reason, count in sorted(reasons.items()))
    share = "no row was usable" if rejected == filled else "too few rows were usable"
    cause = _guess_cause(reasons, doubts)
    what = (
        f"{share}: {rejected:,} of {filled:,} were rejected ({counts}){cause}; "
        "to import the others anyway,"
    )
    yield Finding("rejected_rows", what, _ALLOW_REJECTED)


def _find_emptying(request: ImportRequest, before: int, accepted: int) -> Iterator[Finding]:
    if request.mode != "replace" or request.allow_empty or accepted or not before:
        return
    what = f"it would empty the list of {before:,} members: no row was accepted; {_IF_INTENDED}"
    if request.composition is not None:
        what = f"it would empty the list of {before:,} members: the result is empty; {_IF_INTENDED}"
    yield Finding("empty", what, _ALLOW_EMPTY)


def _find_removal(request: ImportRequest, before: int) -> Iterator[Finding]:
    if request.allow_empty:
        return
    what = (
        f"it would empty the list of {before:,} members: all of them are to be removed; "
        f"{_IF_INTENDED}"
    )
    yield Finding("empty", what, _ALLOW_EMPTY)


def _find_doubted(
    settings: WorkerSettings,
    request: ImportRequest,
    chunks: Sequence[ChunkResult],
    whole: Sequence[str],
) -> Iterator[Finding]:
    policy = request.guards.on_warning or ("pend" if request.mode == "replace" else "accept")
    if policy == "accept":
        return
    rows = doubted_rows(chunks, whole)
    most = _share(request.guards.max_warning_share, settings.warning_share)
    if rows.doubted == 0 or rows.doubted <= most * rows.filled:
        return
    what = f"{describe_doubted(rows)}; if they are right,"
    yield Finding("warnings", what, _ACCEPT_WARNINGS)


def _find_shrinking(
    settings: WorkerSettings, request: ImportRequest, before: int, removed: int
) -> Iterator[Finding]:
    own = request.guards.max_shrink_share
    fewest = settings.shrink_count if own is None else 1
    too_few = removed < fewest or removed <= _share(own, settings.shrink_share) * before
    if request.allow_shrink or too_few:
        return
    # 100% means all.
    percent = 100 if removed == before else min(99, round(100 * removed / before))
    what = (
        f"the {request.mode} would remove {removed:,} of {before:,} members, {percent}% of the "
        f"list; {_IF_INTENDED}"
    )
    yield Finding("shrink", what, _ALLOW_SHRINK)


def _find_growth(
    settings: WorkerSettings, request: ImportRequest, before: int, grown: int
) -> Iterator[Finding]:
    own = request.guards.max_growth_share
    fewest = settings.growth_count if own is None else 1
    if before < fewest or grown <= _share(own, settings.growth_share) * before:
        return
    needed = ceil(grown / before)
    what = (
        f"the replace would make the list grow from {before:,} to {before + grown:,} members, "
        f"{1 + grown / before:,.1f} times as many; {_IF_INTENDED}"
    )
    remedy = f"send maxGrowthShare={needed} (bigseg import --max-growth-share {needed})"
    yield Finding("growth", what, remedy)


def _share(own: float | None, setting: float) -> float:
    return setting if own is None else own


def _guess_cause(reasons: Mapping[str, int], doubts: Mapping[Doubt, Any]) -> str:
    """What is probably wrong with the file, as part of a sentence."""
    for doubt, name in _DELIMITER_NAMES.items():
        if doubt in doubts:
            return f"; the delimiter looks like {name}: send delimiter={doubt.label}"
    if max(reasons, key=reasons.__getitem__) == RejectReason.INVALID_UTF8.label:
        return (
            "; that is not UTF-8: if it is text in Windows-1252, send encoding=windows-1252; bytes "
            "in Parquet, such as those of UUIDs, have to be written as text"
        )
    return ""
