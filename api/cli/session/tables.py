"""Rows of results, as a table for people and as TSV for programs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from rich.cells import cell_len, chop_cells
from rich.console import Console, JustifyMethod
from rich.table import Table as RichTable
from rich.text import Text

#: A column narrower than this is hard to read; the rows are printed below each other then.
_LEAST_WIDTH: Final = 12
#: Of each column: its padding and its border.
_FRAME: Final = 3
_INDENT: Final = "  "
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
#: Control characters could move a terminal's cursor; names and keys come from other people.
CONTROLS: Final = {
    code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code != ord("\n")
}


@dataclass(frozen=True, slots=True)
class Moment:
    """A time, in milliseconds since 1970."""

    unix_ms: int

    def format(self, separator: str = " ") -> str:
        """Format it in UTC."""
        try:
            moment = datetime.fromtimestamp(self.unix_ms / 1_000, UTC)
        except (OverflowError, ValueError, OSError):  # beyond the calendar
            return "never"
        return moment.strftime(f"%Y-%m-%d{separator}%H:%M:%SZ")


def moment(unix_ms: int | None) -> Moment | None:
    """Make a cell of a time that may be unset."""
    return None if unix_ms is None else Moment(unix_ms)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one kind, under the names of their columns.

    Attributes:
        title: printed above it for people.
        columns: their names.
        rows: one cell a column; ``None`` is printed as ``-``.
        whole: columns whose cells are never broken, to be copied; times never are either.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    whole: frozenset[str] = frozenset()

    def tsv(self) -> str:
        """The rows for programs: no heading, a tab between cells, nothing left out."""
        return "".join("\t".join(map(format_field, row)) + "\n" for row in self.rows)

    def print(self, console: Console) -> None:
        """Print it for people: as a table where it fits, else row by row."""
        if self._fits(console.width):
            console.print(self._grid())
        else:
            for line in self._lines(console.width):
                console.print(line, no_wrap=True, overflow="ignore", crop=False)

    def _fits(self, width: int) -> bool:
        least = 1
        for position, column in enumerate(self.columns):
            natural = max(map(cell_len, self._texts(position)), default=0)
            wanted = natural if self._is_whole(position) else min(natural, _LEAST_WIDTH)
            least += max(wanted, min(cell_len(column), _LEAST_WIDTH)) + _FRAME
        return least <= width

    def _grid(self) -> RichTable:
        grid = RichTable(title=Text(self.title), title_justify="left")
        for position, column in enumerate(self.columns):
            cells = self._cells(position)
            side: JustifyMethod = "right" if _is_numeric(cells) else "left"
            grid.add_column(
                Text(column),
                justify=side,
                overflow="fold",
                no_wrap=self._is_whole(position),
            )
        for row in self.rows:
            grid.add_row(*(Text(format_cell(cell)) for cell in row))
        return grid

    def _lines(self, width: int) -> Iterator[Text]:
        """Each row as lines of ``column: cell``; for two columns the first names the second."""
        yield from _fold("", self.title, width)
        for number, row in enumerate(self.rows):
            if self.columns == FIELDS:
                yield from _fold(f"{format_cell(row[0])}: ", format_cell(row[1]), width)
                continue
            if number:
                yield Text()
            for column, cell in zip(self.columns, row, strict=True):
                yield from _fold(f"{column}: ", format_cell(cell), width)

    def _is_whole(self, position: int) -> bool:
        """Whether no cell of a column may be broken; one with a time in it must not be."""
        has_moment = any(isinstance(cell, Moment) for cell in self._cells(position))
        return has_moment or self.columns[position] in self.whole

    def _cells(self, position: int) -> list[object]:
        return [row[position] for row in self.rows if row[position] is not None]

    def _texts(self, position: int) -> Iterator[str]:
        for row in self.rows:
            yield from format_cell(row[position]).split("\n")


#: The columns of a table about one thing.
FIELDS: Final = ("field", "value")


def format_cell(cell: object) -> str:
    """Format a value for people."""
    match cell:
        case None:
            return "-"
        case bool():
            return "yes" if cell else "no"
        case int():
            return f"{cell:,}"
        case float():
            return f"{cell:,.2f}"
        case Moment():
            return cell.format()
        case _:
            return str(cell).translate(CONTROLS)


def format_field(cell: object) -> str:
    """Format a value for programs; tabs and line ends in it are written ``\\t`` and ``\\n``."""
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case Moment():
            return cell.format("T")
        case _:
            return str(cell).translate(_ESCAPES)


def render(tables: Sequence[Table], console: Console) -> None:
    """Print tables for people."""
    for table in tables:
        table.print(console)


def _is_numeric(cells: Sequence[object]) -> bool:
    return bool(cells) and all(type(cell) in {int, float} for cell in cells)


def _fold(label: str, value: str, width: int) -> Iterator[Text]:
    """Lines no longer than the width; a value that does not fit begins below its label."""
    lines = value.split("\n")
    if len(lines) == 1 and cell_len(label) + cell_len(value) <= width:
        yield Text(label + value)
        return
    indent = _INDENT if label else ""
    if label:
        yield Text(label.rstrip())
    for line in lines:
        for piece in chop_cells(line, max(1, width - len(indent))) or [""]:
            yield Text(indent + piece)
