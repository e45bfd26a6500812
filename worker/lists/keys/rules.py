"""What an importer wants done to cells before they are keys: unguarded, trimmed, lowered."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from worker.byte_columns import Column, ColumnView
from worker.lists.keys.invisible import INVISIBLE
from worker.lists.spreadsheet import unguard_cells
from worker.options.lists import ListOptions

_ASCII_END: Final = 0x80
_SPACE_END: Final = 0x20
_UPPER_A, _UPPER_Z = b"AZ"


@dataclass(frozen=True, slots=True)
class KeyRules:
    """Changes of cells, in this order: unguard, trim, compare with the text for blank, lower."""

    trim: bool = False
    null_text: str | None = None
    lowercase: bool = False
    unguard: bool = False

    @classmethod
    def of(cls, options: ListOptions) -> "KeyRules | None":
        """The rules that options ask for; ``None`` if keys are taken as given."""
        if not options.changes_keys:
            return None
        return cls(
            options.trim, options.null_text, options.lowercase, options.profile == "spreadsheet"
        )

    def apply(self, cells: Column) -> Column:
        """Change cells; those that are not UTF-8 stay, to be rejected for that.

        Cost: a few passes over ASCII; cells of other text take a microsecond each.

        Args:
            cells: binary or large_binary, no nulls.
        """
        if self.unguard:
            cells = unguard_cells(cells)
        if self.trim:
            cells = self._change(cells, _needs_trim, _trim)
        if self.null_text is not None:
            null = pc.equal(cells, pa.scalar(self.null_text.encode(), cells.type))
            blanked: Any = pc.if_else(null, pa.scalar(b"", cells.type), cells)
            cells = blanked
        if self.lowercase:
            cells = self._change(cells, _needs_lower, str.lower)
        return cells

    @staticmethod
    def _change(
        cells: Column, find: Callable[[ColumnView], np.ndarray], change: Callable[[str], str]
    ) -> Any:  # noqa: ANN401 - a column
        rows = find(ColumnView.of(cells))
        if not rows.any():
            return cells
        mask = pa.array(rows)
        found: list[Any] = cells.filter(mask).to_pylist()
        changed = pa.array([_change_text(cell, change) for cell in found], cells.type)
        return pc.replace_with_mask(cells, mask, changed)


def _change_text(cell: bytes, change: Callable[[str], str]) -> bytes:
    try:
        return change(cell.decode()).encode()
    except UnicodeDecodeError:
        return cell


def _trim(text: str) -> str:
    previous = None
    while text != previous:
        previous, text = text, text.strip().strip(INVISIBLE)
    return text


def _needs_trim(view: ColumnView) -> np.ndarray:
    """Cells that begin or end with a space or with what is not ASCII."""
    rows = np.zeros(view.rows, bool)
    if len(view.data) == 0:
        return rows
    edge = (view.data <= _SPACE_END) | (view.data >= _ASCII_END)
    rows |= edge.take(view.offsets[:-1], mode="clip")
    rows |= edge.take(view.offsets[1:] - 1, mode="clip")
    return rows & (view.lengths > 0)


def _needs_lower(view: ColumnView) -> np.ndarray:
    """Cells that hold a capital letter of ASCII or what is not ASCII."""
    upper = (view.data >= _UPPER_A) & (view.data <= _UPPER_Z)
    rows = np.zeros(view.rows, bool)
    rows[view.rows_at(np.flatnonzero(upper | (view.data >= _ASCII_END)))] = True
    return rows
