"""What an import reports when it is complete, and who started a job: wire names."""

from typing import NotRequired

from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12


class Initiator(TypedDict, total=False):
    """Who started a job, as far as it is known."""

    name: str
    email: str


class RejectedRow(TypedDict):
    """A row that was left out; never what it holds."""

    row: int
    reason: str


class DoubtfulRows(TypedDict):
    """Rows of one kind that are hardly what was meant, by what they look like."""

    kind: str
    count: int
    rows: list[int]
    """The first of them, from 1; none where a whole file is meant."""
    message: str


class ImportReport(TypedDict):
    """Figures of an import, which balance.

    ``rowsRead = accepted + duplicates + rejected``, and
    ``membersAfter = membersBefore + added - removed + editedWhileImporting``.
    """

    rowsRead: int
    accepted: int
    duplicates: int
    rejected: int
    rejectedByReason: dict[str, int]
    membersBefore: int
    added: int
    removed: int
    unchanged: int
    rejectedSample: list[RejectedRow]
    warnings: NotRequired[list[DoubtfulRows]]
    membersAfter: NotRequired[int]
    editedWhileImporting: NotRequired[int]
    seconds: NotRequired[dict[str, float]]
