"""Deletes a part of an upload because of an error, without hiding that error."""

from collections.abc import Iterator
from contextlib import contextmanager

from worker.objects.errors import ObjectError


@contextmanager
def cleaning_up(error: BaseException) -> Iterator[None]:
    """Run a clean-up whose own failure becomes a note on the error, never takes its place."""
    try:
        yield
    except ObjectError as exc:
        error.add_note(f"and the upload was left behind: {exc}")
