"""Answers of several calls, which may be of several revisions."""

from api.cli.bulk_lookups import Answers, note_revisions


def _answers(key: str, *revisions: str) -> Answers:
    return Answers([key], [["unknown"] for _ in revisions], revisions)


def test_revisions__another_is_published_between_calls__is_noted_with_its_first_key() -> None:
    notes: list[str] = []
    calls = [_answers("a", "1", "7"), _answers("b", "1", "7"), _answers("c", "2", "7")]

    passed = list(note_revisions(["vip", "beta"], calls, notes.append))

    assert passed == calls
    (note,) = notes
    assert "segment vip" in note
    assert "from 'c' on are of revision 2, not 1" in note
