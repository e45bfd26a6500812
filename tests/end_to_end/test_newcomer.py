"""A newcomer's first hour, in a real terminal: it looks as the recorded transcript says."""

from tests.support.newcomer.story import TRANSCRIPT, play
from tests.support.newcomer.transcript import mask_transcript


def test_newcomer__readme_mistakes_and_interruptions__look_as_recorded() -> None:
    played = play()

    assert mask_transcript(played) == mask_transcript(TRANSCRIPT.read_text()), (
        f"if it is right: ./scripts/transcript --record\n{played}"
    )
