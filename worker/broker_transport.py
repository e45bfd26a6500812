"""Kombu's Redis transport, dialled from an address that bigseg has read itself.

Kombu would read the broker's URL its own way: without TLS for ``rediss://`` under a
transport of another name, and with the password in what it logs. So it is given a label
for a URL, and the address beside it, as the transport option ``address``.
"""

import functools
from typing import Any, Final

from kombu.transport import redis as redis_transport
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, ResponseError

from worker.redis_urls import RedisAddress
from worker.store.dialling import connection_class, driver_options

#: Options that kombu makes of the label.
_OF_LABEL: Final = ("host", "port", "db", "username", "password")
#: What a server says that is no primary any more, besides READONLY.
_DEMOTED: Final = ("UNBLOCKED", "MASTERDOWN", "READONLY")


class AddressedChannel(redis_transport.Channel):
    """A channel whose connections go where the transport option ``address`` says.

    Only a primary is a broker: a replica is refused as a server that does not answer is,
    so that kombu comes back to the name until it leads to a primary.
    """

    address = RedisAddress()
    from_transport_options = (*redis_transport.Channel.from_transport_options, "address")  # type: ignore[assignment]  # one more

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - kombu's
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        try:
            _require_primary(self.client, self.address.name)
        except BaseException:
            self.connection.cycle.discard(self)
            self._disconnect_pools()  # type: ignore[no-untyped-call]
            raise

    @property
    def connection_class(self) -> type[Any]:  # type: ignore[override]  # kombu only reads it
        """The class of connections that kombu derives its own from."""
        base = connection_class(self.address)
        return _watchful(base)  # type: ignore[arg-type]  # classes can be hashed

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        params: dict[str, Any] = super()._connparams(asynchronous)  # type: ignore[no-untyped-call]
        others = {name: value for name, value in params.items() if name not in _OF_LABEL}
        return driver_options(self.address, **others)


class AddressedTransport(redis_transport.Transport):
    """Kombu's Redis transport over :class:`AddressedChannel`."""

    Channel = AddressedChannel


@functools.cache
def _watchful(base: type[Any]) -> type[Any]:
    """Connections that are lost when their server is no primary any more.

    To kombu such an answer is an error of the channel, which ends a worker and leaves a
    sender with its connection to the wrong server for good; a lost connection is dialled
    again.
    """

    class WatchfulConnection(base):  # type: ignore[misc]  # chosen at run time
        def read_response(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - any reply
            try:
                return super().read_response(*args, **kwargs)
            except ResponseError as exc:
                if not isinstance(exc, ReadOnlyError) and not str(exc).startswith(_DEMOTED):
                    raise
                self.disconnect()
                raise RedisConnectionError("the broker is no primary any more") from exc

    return WatchfulConnection


def _require_primary(client: Any, name: str) -> None:  # noqa: ANN401 - kombu's client
    try:
        role = client.execute_command("ROLE")[0]
    except ResponseError:  # forbidden to this user: the URL is believed
        return
    if role not in {b"master", "master"}:
        raise RedisConnectionError(f"the broker at {name} is a replica")
