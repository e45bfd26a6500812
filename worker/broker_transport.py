"""Kombu's Redis transport, dialled from an address that bigseg has read itself.

Kombu would read the broker's URL its own way: without TLS for ``rediss://`` under a
transport of another name, and with the password in what it logs. So it is given a label
for a URL, and the address beside it, as the transport option ``address``.
"""

from typing import Any, Final

from kombu.transport import redis as redis_transport

from worker.redis_urls import RedisAddress
from worker.store.server import driver_options, primary_class

#: Options that kombu makes of the label.
_OF_LABEL: Final = ("host", "port", "db", "username", "password")


class AddressedChannel(redis_transport.Channel):
    """A channel whose connections go where the transport option ``address`` says.

    Only a primary is a broker: to kombu a replica is a server that does not answer, so it
    comes back to the name until that leads to a primary.
    """

    address = RedisAddress()
    from_transport_options = (*redis_transport.Channel.from_transport_options, "address")  # type: ignore[assignment]  # one more

    @property
    def connection_class(self) -> type[Any]:  # type: ignore[override]  # kombu only reads it
        """The class of connections that kombu derives its own from."""
        return primary_class(self.address)

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        params: dict[str, Any] = super()._connparams(asynchronous)  # type: ignore[no-untyped-call]
        others = {name: value for name, value in params.items() if name not in _OF_LABEL}
        if asynchronous:
            # Kombu's loop watches the socket that it knows; another one has to be told to it.
            params["connection_class"].reconnects_in_place = False
        return driver_options(self.address, **others)


class AddressedTransport(redis_transport.Transport):
    """Kombu's Redis transport over :class:`AddressedChannel`."""

    Channel = AddressedChannel
