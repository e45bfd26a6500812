"""What list bytes are written to."""

from typing import Protocol


class Sink(Protocol):
    """Takes bytes in order; opening, closing and giving up are its owner's business."""

    def write(self, data: bytes, /) -> object:
        """Take some bytes."""
        ...
