"""Which addresses a webhook may have: none inside the network that bigseg runs in, unless allowed.

The form of a URL is checked when it is given. Where its name leads is checked on each connection,
on the very address that is connected to, because a name may lead elsewhere the next time.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

from worker.errors import TerminalError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Characters of a URL.
MOST_URL_LENGTH: Final = 2_048

_LABEL: Final = "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST: Final = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*")
#: What C libraries read as an IPv4 address, such as 127.1 or 0x7f000001. Source: the URL standard
#: of WHATWG, "ends in a number".
_NUMBER: Final = re.compile(r"(.*\.)?([0-9]+|0[xX][0-9A-Fa-f]*)")
#: Names that always lead to this machine. Source: RFC 6761, 6.3.
_LOCALHOST: Final = re.compile(r"(.*\.)?localhost")
_VISIBLE: Final = re.compile(r"[\x21-\x7e]+")
_PORTS: Final = {"http": 80, "https": 443}
#: Private ones that Python takes for public: where Azure answers its machines (source: its
#: documentation of 168.63.129.16), addresses for protocols, relays of 6to4, and documentation.
_PRIVATE: Final[tuple[Network, ...]] = (
    ipaddress.IPv4Network("168.63.129.16/32"),
    ipaddress.IPv4Network("192.0.0.0/24"),
    ipaddress.IPv4Network("192.88.99.0/24"),
    ipaddress.IPv6Network("3fff::/20"),
)
#: All of IPv6 that is given to networks of the Internet. Source: the IANA registry of IPv6.
_PUBLIC: Final = ipaddress.IPv6Network("2000::/3")
#: IPv6 addresses that end with an IPv4 address to which a translator or tunnel leads.
_EMBEDDING: Final = tuple(ipaddress.IPv6Network(text) for text in ("::/96", "64:ff9b::/96"))


class ReceiverRefused(TerminalError):
    """A webhook may not have this address; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class AllowedReceivers:
    """What inside may be reached all the same."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Self:
        """Read names of hosts, addresses and networks.

        Raises:
            ValueError: one is none of these.
        """
        hosts, networks = set[str](), list[Network]()
        for text in texts:
            try:
                networks.append(ipaddress.ip_network(text))
            except ValueError as exc:
                if "/" in text or ":" in text or _HOST.fullmatch(text) is None:
                    message = "each must be a host, an address or a network such as 10.0.0.0/8"
                    raise ValueError(message) from exc
                hosts.add(text.lower())
        return cls(frozenset(hosts), tuple(networks))

    def permits(self, host: str, address: Address) -> bool:
        """Whether this address may be reached although it is inside."""
        return host.lower() in self.hosts or any(
            address.version == network.version and address in network for network in self.networks
        )


@dataclass(frozen=True, slots=True)
class ReceiverUrl:
    """The address of a webhook, taken apart."""

    scheme: str
    host: str
    """A name, or an address without brackets."""
    port: int
    target: str
    """Path and query, exactly as they were given."""

    @property
    def authority(self) -> str:
        """Host and port, as the header ``Host`` says them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @classmethod
    def parse(cls, url: str, allowed: AllowedReceivers) -> Self:
        """Take a URL apart if a webhook may have it, as far as can be said without a connection.

        Raises:
            ReceiverRefused: it may not. The message repeats nothing of the URL but its host.
        """
        if len(url) > MOST_URL_LENGTH:
            raise ReceiverRefused(f"the URL is longer than {MOST_URL_LENGTH:,} characters")
        if _VISIBLE.fullmatch(url) is None:
            raise ReceiverRefused("the URL has spaces or characters that must be escaped")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise ReceiverRefused("the URL is malformed") from None
        if parts.scheme not in _PORTS:
            raise ReceiverRefused("the URL must begin with https://")
        if "@" in parts.netloc:
            raise ReceiverRefused("the URL holds credentials: verify the signature instead")
        if "#" in url or "\\" in url:
            raise ReceiverRefused("the URL has a fragment or a backslash")
        if port == 0:
            raise ReceiverRefused("the URL has port 0")
        if "%" in host or ("[" in parts.netloc and ":" not in host):
            raise ReceiverRefused("the URL is malformed")
        target = url.partition("//")[2][len(parts.netloc) :]
        if not target.startswith("/"):
            target = f"/{target}"
        found = cls(parts.scheme, host, port or _PORTS[parts.scheme], target)
        found._check_host(allowed)
        return found

    def check(self, address: Address, allowed: AllowedReceivers) -> None:
        """Make sure that the address to which the name leads may be connected to.

        Raises:
            ReceiverRefused: it is inside, or the URL is plain HTTP to somewhere that is not
                allowed by name.
        """
        if allowed.permits(self.host, address):
            return
        place = place_inside(address)
        if place is not None:
            raise ReceiverRefused(
                f"{self.host} leads to {place}, which is refused unless "
                "BIGSEG_WEBHOOK_ALLOWED has it"
            )
        if self.scheme == "http":
            raise ReceiverRefused(
                f"{self.host} is reached without TLS, which is refused unless "
                "BIGSEG_WEBHOOK_ALLOWED has it"
            )

    def _check_host(self, allowed: AllowedReceivers) -> None:
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            if _HOST.fullmatch(self.host) is None:
                raise ReceiverRefused("the URL has no host, or one that no host can have") from None
            if _NUMBER.fullmatch(self.host) is not None:
                message = "the URL's host is a number: write an address as four of them, 192.0.2.1"
                raise ReceiverRefused(message) from None
            if _LOCALHOST.fullmatch(self.host) is not None:
                self._check_localhost(allowed)
            if self.scheme == "http" and self.host not in allowed.hosts and not allowed.networks:
                raise ReceiverRefused(
                    "the URL must begin with https://, unless BIGSEG_WEBHOOK_ALLOWED has its host"
                ) from None
        else:
            self.check(address, allowed)

    def _check_localhost(self, allowed: AllowedReceivers) -> None:
        addresses = (ipaddress.IPv4Address("127.0.0.1"), ipaddress.IPv6Address("::1"))
        if not any(allowed.permits(self.host, address) for address in addresses):
            self.check(addresses[0], allowed)


def place_inside(address: Address) -> str | None:
    """What of the inside this address is, in words; ``None`` if it is a public one."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = _embedded(address)
        if inner is not None:
            return place_inside(inner)
    if address.is_loopback or address.is_unspecified:
        return "this machine"
    if address.is_link_local:
        return "a link-local address"
    if address.is_multicast:
        return "a multicast address"
    if isinstance(address, ipaddress.IPv6Address) and address not in _PUBLIC:
        return "a private address"
    private = any(address.version == network.version and address in network for network in _PRIVATE)
    return "a private address" if private or not address.is_global else None


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for, if it does."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address.is_loopback or address.is_unspecified:
        return None
    if any(address in network for network in _EMBEDDING):
        return ipaddress.IPv4Address(address.packed[-4:])
    return None
