"""What is known of an environment's flags without reading them."""

from dataclasses import dataclass

from worker.store.records import stored


@stored
@dataclass(frozen=True, slots=True)
class FlagData:
    """One state of the flags of an environment."""

    revision: str
    """Names this state, and no other."""
    number: int
    """How often the flags were changed up to it. It never falls as long as the environment is
    there, so versions that are made of it do not, either."""
    flags: int
    size: int
    """Bytes of the document."""
    pieces: int
    """In which the compressed document is stored."""
    updated_ms: int
