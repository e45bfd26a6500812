"""The rule for one key; a property holds the rule for columns to it (keys/test_validation.py)."""

import pytest

from worker.context_keys import fault_of


@pytest.mark.parametrize(
    "key",
    ["a", " a", "a b", "é", "\u00a0x", "x" * 1024, "é" * 512, "\u200b", "👩‍👩‍👧", "\U0010ffff"],
)
def test_fault__of_a_context_key__is_none(key: str) -> None:
    assert fault_of(key) is None


@pytest.mark.parametrize(
    "key",
    [
        "",
        " ",
        "\t",
        "\u3000",
        "x" * 1025,
        "é" * 513,
        "a\n",
        "\x00",
        "\x1f",
        "\x7f",
        "\x80",
        "\ud800",
    ],
)
def test_fault__of_anything_else__is_told(key: str) -> None:
    fault = fault_of(key)

    assert fault is not None
    assert not key.strip() or key not in fault
