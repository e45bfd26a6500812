"""What an import reports when it is complete, and who started a job: wire names."""

from typing import NotRequired

from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from api.bodies.models import Int64


class Initiator(TypedDict, total=False):
    """Who started a job, as far as it is known."""

    name: str
    email: str


class RejectedRow(TypedDict):
    """A row that was left out; never what it holds."""

    row: Int64
    reason: str


class DoubtfulRows(TypedDict):
    """Rows of one kind that are hardly what was meant, by what they look like."""

    kind: str
    count: Int64
    rows: list[Int64]
    """The first of them, from 1; none where a whole file is meant."""
    message: str


class ImportReport(TypedDict):
    """Figures of an import, which balance.

    ``rowsRead = accepted + duplicates + rejected``, and
    ``membersAfter = membersBefore + added - removed + editedWhileImporting``.
    """

    rowsRead: Int64
    accepted: Int64
    duplicates: Int64
    rejected: Int64
    rejectedByReason: dict[str, Int64]
    membersBefore: Int64
    added: Int64
    removed: Int64
    unchanged: Int64
    rejectedSample: list[RejectedRow]
    warnings: NotRequired[list[DoubtfulRows]]
    membersAfter: NotRequired[Int64]
    editedWhileImporting: NotRequired[Int64]
    seconds: NotRequired[dict[str, float]]
