"""The results as Markdown, and their place in a page."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.benchmarks.budgets import BUDGETS, HEADLINES
from tests.benchmarks.results import Found, Run, is_met, spell_raw, spell_value

_START, _END = "<!-- bench {} -->\n", "<!-- end -->"


def render(run: Run) -> str:
    """The command, the budgets of all servers side by side, and what each figure was made of."""
    about = f"{run.members:,} members, {run.machine}, load by {run.client}, {run.seconds:.0f} s"
    raw = [
        [f"`{name}`", *(spell_raw(one.figures.raw.get(name, {})) for one in run.found)]
        for name in [*run.keys, *run.others]
    ]
    parts = [
        f"```sh\n{run.command}\n```",
        about,
        figures_table(run.keys, run.found) if run.keys else "",
        "What the figures were made of:",
        _table(["row", *(one.server for one in run.found)], raw),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def figures_table(keys: Iterable[str], found: Sequence[Found]) -> str:
    """The figures with a budget, one server beside the other."""
    rows = [
        [f"{BUDGETS[key].what} `{key}`", BUDGETS[key].against, BUDGETS[key].text]
        + [_cell(one, key) for one in found]
        for key in keys
    ]
    return _table(["what", "against", "goal", *(one.server for one in found)], rows)


def write_into(page: Path, run: Run) -> None:
    """Put the results where a page has those of the same kind of run.

    ``<!-- bench NAME -->`` and ``<!-- end -->`` are around them, where NAME is what ``--only``
    was given, or ``all``. Of a run of all, ``<!-- bench headlines -->`` takes the headlines.

    Raises:
        ValueError: the page has no such place.
    """
    name = " ".join(run.only) or "all"
    texts = {name: render(run)}
    if not run.only:
        texts["headlines"] = figures_table(HEADLINES, run.found) + "\n"
    text = page.read_text()
    filled = [place for place in texts if _START.format(place) in text]
    if not filled:
        raise ValueError(f"{page} has no place {_START.format(name)}")
    for place in filled:
        before, start, after = text.partition(_START.format(place))
        text = before + start + texts[place] + _END + after.partition(_END)[2]
    page.write_text(text)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(found: Found, key: str) -> str:
    text = spell_value(found, key)
    return text if not text or is_met(found, key) else f"{text} **missed**"
