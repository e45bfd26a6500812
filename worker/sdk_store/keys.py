"""Names of the keys that LaunchDarkly's SDKs read, and of what bigseg keeps beside them.

Source: the SDKs' Redis stores; the same in Python, Node, Go and Java, and in the Relay Proxy.
"""

from dataclasses import dataclass

from worker.store import INCLUDED, Side


@dataclass(frozen=True, slots=True)
class SdkKeys:
    """The keys under one prefix."""

    prefix: str

    def sets(self, side: Side) -> str:
        """The beginning of the keys of one side's sets; the encoded hash of a context follows."""
        return f"{self.prefix}:big_segment_{'include' if side == INCLUDED else 'exclude'}:"

    def any_set(self) -> str:
        """A pattern of the keys of all sets."""
        return f"{self.prefix}:big_segment_*"

    def synchronized_on(self) -> str:
        """String: when the sets were last known to be current, Unix milliseconds."""
        return f"{self.prefix}:big_segments_synchronized_on"

    def of_relay(self) -> tuple[str, str]:
        """Strings that only a Relay Proxy writes."""
        return f"{self.prefix}:big_segments_cursor", f"{self.prefix}:big_segments_lock"

    def canary(self) -> str:
        """Hash: the name of these sets, who writes them, and how often they were changed."""
        return f"{self.prefix}:bigseg_canary"
