"""What keeps the sets that SDKs read from being kept."""

from worker.errors import TerminalError


class SdkStoreError(Exception):
    """The root; each error below is also transient or terminal."""


class SdkStoreIsCluster(SdkStoreError, TerminalError):
    """The server is a cluster, which SDKs cannot read; set ``BIGSEG_SDK_STORE_URL``."""


class PrefixInUse(SdkStoreError, TerminalError):
    """A Relay Proxy writes under the prefix; give the environment another one."""
