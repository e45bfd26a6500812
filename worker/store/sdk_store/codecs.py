"""The records of the sets that SDKs read, as the fields of a hash have them."""

from typing import Final

from worker.store.keyspace import EnvironmentRef
from worker.store.records import RecordCodec
from worker.store.sdk_store.records import FollowedList, SdkStoreSettings, SdkStoreState

SETTINGS: Final = RecordCodec(SdkStoreSettings)
LIST: Final = RecordCodec(FollowedList)
STATE: Final = RecordCodec(SdkStoreState)


def decode_settings(env: EnvironmentRef, text: bytes | None) -> SdkStoreSettings:
    """Read the switch; off if it was never set.

    Raises:
        UnreadableRecord: it is damaged, or of another release.
    """
    if text is None:
        return SdkStoreSettings()
    return SETTINGS.decode(text, f"SDK store of {environment_name(env)}")


def decode_state(env: EnvironmentRef, text: bytes | None) -> SdkStoreState | None:
    """Read how the sets are; raises as :func:`decode_settings`."""
    if text is None:
        return None
    return STATE.decode(text, f"state of the SDK store of {environment_name(env)}")


def environment_name(env: EnvironmentRef) -> str:
    """An environment as the owner of a prefix."""
    return f"{env.project}:{env.environment}"


def parse_environment(name: bytes) -> EnvironmentRef:
    """Read :func:`environment_name`."""
    project, _, environment = name.decode().partition(":")
    return EnvironmentRef(project, environment)
