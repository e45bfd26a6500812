"""The results as Markdown, and their place in a page."""

import re
from pathlib import Path

from tests.benchmarks.budgets import BUDGETS
from tests.benchmarks.results import Found, Run, is_met, spell_raw, spell_value


def render(run: Run) -> str:
    """The command, the budgets of all servers side by side, and what each figure was made of."""
    servers = [one.server for one in run.found]
    about = f"{run.members:,} members, {run.machine}, load by {run.client}, {run.seconds:.0f} s"
    figures = [
        [f"{BUDGETS[key].what} `{key}`", BUDGETS[key].against, BUDGETS[key].text]
        + [_cell(one, key) for one in run.found]
        for key in run.keys
    ]
    raw = [
        [f"`{name}`", *(spell_raw(one.figures.raw.get(name, {})) for one in run.found)]
        for name in [*run.keys, *run.others]
    ]
    parts = [
        f"```sh\n{run.command}\n```",
        about,
        _table(["what", "against", "budget", *servers], figures) if figures else "",
        "What the figures were made of:",
        _table(["row", *servers], raw),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def replace(page: Path, text: str) -> None:
    """Put the text where the page has the results of the same kind of run.

    The page marks their place by ``<!-- bench NAME -->`` and ``<!-- end -->``, where NAME is
    what ``--only`` was given, or ``all``.

    Raises:
        ValueError: the page has no such place.
    """
    only = re.findall(r"--only (\w+)", text.partition("```\n")[0])
    name = " ".join(only) or "all"
    pattern = rf"(<!-- bench {name} -->\n).*?(<!-- end -->)"
    found, count = re.subn(
        pattern, lambda at: f"{at[1]}{text}{at[2]}", page.read_text(), flags=re.DOTALL
    )
    if count != 1:
        raise ValueError(f"{page} has {count} places <!-- bench {name} --> … <!-- end -->")
    page.write_text(found)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(found: Found, key: str) -> str:
    text = spell_value(found, key)
    return text if not text or is_met(found, key) else f"{text} **missed**"
