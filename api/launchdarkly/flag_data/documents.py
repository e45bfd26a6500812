"""The document that is stored: the flags that were sent, with versions of our own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from api.errors import InvalidRequest
from api.launchdarkly.flag_data.flags import Flag
from worker.store import StoredFlag, decode_flags, encode_flags

#: Of the document; every process with SDKs reads it after each change.
MOST_BYTES: Final = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a caller has sent."""

    flags: Mapping[str, bytes]
    """Each without its version, as it is stored."""
    segments: frozenset[str]
    """Those that rules name."""

    @classmethod
    def of(cls, flags: Iterable[Flag]) -> "Wanted":
        """Take flags one by one: parsed, all of them together have ten times their bytes."""
        texts, named = dict[str, bytes](), set[str]()
        for flag in flags:
            texts[flag.key] = flag.rest()
            named.update(flag.segments())
        return cls(texts, frozenset(named))


@dataclass(frozen=True, slots=True)
class FlagDocument:
    """The flags of an environment, by key."""

    flags: Mapping[str, StoredFlag]

    @classmethod
    def parse(cls, text: bytes) -> "FlagDocument":
        """Read what :meth:`text` gave.

        Raises:
            UnreadableRecord: It is damaged, or of another release.
        """
        return cls({flag.key: flag for flag in decode_flags(text)})

    def text(self) -> bytes:
        """As it is stored, and answered.

        Raises:
            InvalidRequest: It has more bytes than are allowed.
        """
        text = encode_flags(self.flags.values())
        if len(text) > MOST_BYTES:
            raise InvalidRequest(f"flags: {len(text):,} bytes of JSON are more than {MOST_BYTES:,}")
        return text

    def replaced_by(self, wanted: Mapping[str, bytes], number: int) -> "FlagDocument":
        """Give each flag that is another one a version that is higher than all before.

        SDKs drop a flag whose version is not higher than that of the one that they have, and what
        people send may have any.

        Args:
            wanted: The new ones, without their versions, which do not count.
            number: Of this change, higher than that of all before.
        """
        return FlagDocument(
            {key: self._versioned(key, rest, number) for key, rest in wanted.items()}
        )

    def changes_to(self, after: "FlagDocument") -> int:
        """How many flags are new, other ones than before, or gone."""
        changed = sum(self.flags.get(key) is not flag for key, flag in after.flags.items())
        return changed + len(self.flags.keys() - after.flags.keys())

    def _versioned(self, key: str, rest: bytes, number: int) -> StoredFlag:
        before = self.flags.get(key)
        if before is not None and before.rest == rest:
            return before
        return StoredFlag(key, number, rest)
