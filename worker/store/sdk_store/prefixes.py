"""Which environment has which prefix of the keys that SDKs read."""

from worker.store.errors import SdkPrefixTaken
from worker.store.keyspace import EnvironmentRef
from worker.store.sdk_store.codecs import environment_name, parse_environment
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database


class SdkPrefixes:
    """The prefixes in use. Every method may raise ``StoreUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def all(self) -> dict[EnvironmentRef, str]:
        """The prefix of each environment that has one. Cost: one round trip."""
        with driver_errors("list environments with sets for SDKs"):
            found = self._db.client.hgetall(self._db.keys.sdk_stores())
        return {parse_environment(env): prefix.decode() for prefix, env in found.items()}

    def require_free(self, env: EnvironmentRef, prefix: str) -> None:
        """Refuse a prefix that an environment cannot have. Cost: one round trip.

        Raises:
            SdkPrefixTaken: another environment has it, or this one has another.
        """
        taken = self.all()
        if taken.get(env, prefix) != prefix:
            message = (
                f"environment {env.environment} has sets under prefix {taken[env]}; switch it off "
                "and wait until they are removed"
            )
            raise SdkPrefixTaken(message)
        for other, theirs in taken.items():
            if theirs == prefix and other != env:
                raise _taken(prefix, environment_name(other))

    def take(self, env: EnvironmentRef, prefix: str) -> None:
        """Take a prefix for an environment, which may have it already. Cost: one round trip.

        Raises:
            SdkPrefixTaken: another environment has it.
        """
        what, name = f"take prefix {prefix} for SDKs", environment_name(env)
        stores = [self._db.keys.sdk_stores()]
        owner: bytes = self._db.run(what, "sdk_store/take_prefix", stores, (prefix, name))
        if owner.decode() != name:
            raise _taken(prefix, owner.decode())

    def free(self, prefix: str) -> None:
        """Let any environment take a prefix. Cost: one round trip."""
        with driver_errors(f"free prefix {prefix} for SDKs"):
            self._db.client.hdel(self._db.keys.sdk_stores(), prefix)


def _taken(prefix: str, owner: str) -> SdkPrefixTaken:
    message = (
        f"prefix {prefix} is that of environment {owner.replace(':', '/')}: SDKs could not tell "
        "the two apart; give another prefix, or switch the other one off"
    )
    return SdkPrefixTaken(message)
