"""What runs the pages' commands can tell a wrong output, and writes a new one where it belongs."""

from pathlib import Path

from tests.support.commands.pages import Page
from tests.support.commands.variable_text import are_same

_PAGE = """# A page

<!-- first -->
```sh
cat > script <<'EOS'
# not a heading
EOS
bigseg segments list
```

```text
old
```

## A part

```sh
date
```

```text
2026-11-29 12:00:00Z took 0.5 s
```

```sh
true
```
"""


def test_page__read__has_its_commands_with_their_outputs_and_headings(tmp_path: Path) -> None:
    page = Page(tmp_path / "page.md")
    page.path.write_text(_PAGE)

    steps = page.steps

    assert [step.commands.heading for step in steps] == ["A page", "A part", "A part"]
    assert [step.output and step.output.text.strip()[:4] for step in steps] == ["old", "2026", None]
    assert page.block("first").endswith("bigseg segments list\n")


def test_page__recorded__changes_only_the_outputs_that_differ(tmp_path: Path) -> None:
    page = Page(tmp_path / "page.md")
    page.path.write_text(_PAGE)

    page.record(
        ["a far longer output  \nof two lines", "2027-01-01 09:00:00Z took 7.25 s", ""], are_same
    )

    wanted = _PAGE.replace("\nold\n", "\na far longer output\nof two lines\n")
    assert page.path.read_text() == wanted


def test_outputs__with_another_word_or_count__are_not_the_same() -> None:
    said = "import 0b5a1d5e-5d36-4c6b-9d37-6c1f0e3f5a11: complete\n│ accepted  │     3 │\n"

    assert are_same("import 11111111-2222-4333-8444-555555555555: complete\n│ accepted │ 3 │", said)
    assert not are_same(said.replace("complete", "stopped"), said)
    assert not are_same(said.replace("3", "4"), said)
