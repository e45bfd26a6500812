"""The document that is stored: the flags that were sent, with versions of our own."""

import json
from dataclasses import dataclass
from typing import Final

from api.bodies.json_values import JsonObject

#: Of the document; every process with SDKs reads it after each change.
MOST_BYTES: Final = 10 * 1024 * 1024

_VERSION: Final = "version"
_FLAGS: Final = "flags"


@dataclass(frozen=True, slots=True)
class FlagDocument:
    """The flags of an environment, by key."""

    flags: dict[str, JsonObject]

    @classmethod
    def parse(cls, text: bytes) -> "FlagDocument":
        """Read what :meth:`text` gave."""
        return cls(json.loads(text)[_FLAGS])

    def text(self) -> bytes:
        """As it is stored, and answered."""
        document = {_FLAGS: self.flags}
        return json.dumps(document, ensure_ascii=True, separators=(",", ":")).encode()

    def replaced_by(self, flags: dict[str, JsonObject], number: int) -> "FlagDocument":
        """Give each flag that is another one a version that is higher than all before.

        SDKs drop a flag whose version is not higher than that of the one that they have, and what
        people send may have any.

        Args:
            flags: The new ones; what they say of their versions does not count.
            number: Of this change, higher than that of all before.
        """
        return FlagDocument({key: self._versioned(flag, number) for key, flag in flags.items()})

    def _versioned(self, flag: JsonObject, number: int) -> JsonObject:
        before = self.flags.get(flag["key"])
        if before is not None and _text(flag | {_VERSION: before[_VERSION]}) == _text(before):
            return before
        return flag | {_VERSION: number}


def _text(flag: JsonObject) -> str:
    """As text, because Python takes 1, 1.0 and true for the same."""
    return json.dumps(flag, sort_keys=True)
