"""Webhooks lead outside, or where the operator allows it, and nowhere else."""

import ipaddress
from typing import Final

import pytest

from worker.receiver_addresses import (
    MOST_URL_LENGTH,
    AllowedReceivers,
    ReceiverRefused,
    ReceiverUrl,
    place_inside,
)
from worker.settings import StoreSettings

NOTHING: Final = AllowedReceivers()
INSIDE: Final = (
    *("127.0.0.1", "127.8.9.1", "10.1.2.3", "172.16.0.1", "192.168.1.1"),
    "0.0.0.0",  # noqa: S104 - nothing listens
    *("169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192", "168.63.129.16"),
    *("224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "198.18.0.1", "203.0.113.9"),
    *("::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:0.0.0.0", "::127.0.0.1"),
    *("64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1"),
    *("64:ff9b:1:7f00:0:100:808:808", "::ffff:0:7f00:1", "4000::1", "5f00::1", "3fff::1"),
    "192.88.99.1",
)


@pytest.mark.parametrize("text", INSIDE)
def test_address__inside__is_refused_by_itself_and_as_that_of_a_name(text: str) -> None:
    address = ipaddress.ip_address(text)
    assert place_inside(address) is not None
    host = f"[{text}]" if address.version == 6 else text
    with pytest.raises(ReceiverRefused, match="BIGSEG_WEBHOOK_ALLOWED"):
        ReceiverUrl.parse(f"https://{host}/hook", NOTHING)
    named = ReceiverUrl.parse("https://example.com/hook", NOTHING)
    with pytest.raises(ReceiverRefused, match=r"example\.com leads to"):
        named.check(address, NOTHING)


@pytest.mark.parametrize("text", ["93.184.215.14", "2606:2800:21f:cb07::1", "::ffff:8.8.8.8"])
def test_address__public__is_reached_by_tls_alone(text: str) -> None:
    address = ipaddress.ip_address(text)
    ReceiverUrl.parse("https://example.com:8443/hook?x=1", NOTHING).check(address, NOTHING)
    elsewhere = AllowedReceivers.parse(["10.0.0.0/8"])
    plain = ReceiverUrl.parse("http://example.com/hook", elsewhere)
    with pytest.raises(ReceiverRefused, match="without TLS"):
        plain.check(address, elsewhere)


@pytest.mark.parametrize(
    ("allowed", "url", "address"),
    [
        ("10.0.0.0/8", "http://10.1.2.3:8080/", "10.1.2.3"),
        ("hooks.internal", "http://HOOKS.internal/", "192.168.1.1"),
        ("::1", "http://[::1]:9/", "::1"),
        ("127.0.0.1", "https://localhost/", "127.0.0.1"),
    ],
)
def test_address__allowed__is_reached_and_no_other_is(allowed: str, url: str, address: str) -> None:
    receivers = StoreSettings(webhook_allowed=(allowed,)).webhook_receivers
    ReceiverUrl.parse(url, receivers).check(ipaddress.ip_address(address), receivers)
    other = ReceiverUrl.parse("https://other.example/", receivers)
    with pytest.raises(ReceiverRefused):
        other.check(ipaddress.ip_address("169.254.169.254"), receivers)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.com/", "https://"),
        ("file:///etc/passwd", "https://"),
        ("example.com/hook", "https://"),
        ("http://example.com/", "https://"),
        ("https://ann:pw@example.com/", "credentials"),
        ("https://@example.com/", "credentials"),
        ("https://example.com/#x", "fragment"),
        ("https://example.com\\@127.0.0.1/", "credentials"),
        ("https://example.com/a\\b", "backslash"),
        ("https:///hook", "no host"),
        ("https://exa mple.com/", "spaces"),
        ("https://example.com/\r\nX: y", "spaces"),
        ("https://exämple.com/", "escaped"),
        ("https://example.com:0/", "port 0"),
        ("https://example.com:99999/", "malformed"),
        ("https://[::1/", "malformed"),
        ("https://-x.com/", "no host"),
        ("https://a..b/", "no host"),
        *((f"https://{host}/", "is a number") for host in ("127.1", "2130706433", "1.2.3.4.5")),
        *((f"https://{host}/", "is a number") for host in ("0x7f000001", "017700000001")),
        *((f"https://{host}/", "leads to this machine") for host in ("localhost", "a.LocalHost")),
        ("https://[v1.x]/", "malformed"),
        ("https://[fe80::1%25eth0]/", "malformed"),
        (f"https://example.com/{'a' * MOST_URL_LENGTH}", "longer"),
    ],
    ids=range(28),
)
def test_url__not_of_a_receiver__is_refused_without_repeating_it(url: str, reason: str) -> None:
    with pytest.raises(ReceiverRefused, match=reason) as caught:
        ReceiverUrl.parse(url, NOTHING)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "authority", "target"),
    [
        ("https://http/", "http", "/"),
        ("https://Example.com:443", "example.com", "/"),
        ("https://example.com:8443?a=b", "example.com:8443", "/?a=b"),
        ("https://[2606:2800:21f:cb07::1]//x;y", "[2606:2800:21f:cb07::1]", "//x;y"),
    ],
    ids=range(4),
)
def test_url__of_a_receiver__is_asked_for_as_it_was_given(
    url: str, authority: str, target: str
) -> None:
    found = ReceiverUrl.parse(url, NOTHING)
    assert (found.authority, found.target) == (authority, target)


@pytest.mark.parametrize("text", ["10.0.0.0/33", "10.0.0.1/8", "a b", "http://x", ""])
def test_setting__no_host_nor_network__is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="host, an address or a network"):
        StoreSettings(webhook_allowed=(text,))
