"""The SSRF decision: which addresses count as public."""

from ipaddress import ip_network

import pytest

from common.core.registries.addresses import is_public

PRIVATE_TEXT = """
0.0.0.0 10.1.2.3 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 169.254.169.254 169.254.170.2 172.16.0.1
172.31.255.255 192.0.0.8 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1
239.255.255.255 240.0.0.1 255.255.255.255 168.63.129.16
:: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::ffff:0:7f00:1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1
100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:db8::1 2002:7f00:1:: 2002:808:808::1 3fff::1 5f00::1
fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 ff02::1 4000::1
"""

PUBLIC_TEXT = """
1.1.1.1 8.8.8.8 172.15.0.1 172.32.0.1 192.0.1.1 192.169.0.1 100.63.255.255 100.128.0.1 198.17.0.1 198.20.0.1
168.63.129.17 223.255.255.255 ::ffff:8.8.8.8 64:ff9b::808:808 2606:4700:4700::1111 2a00:1450:4001::1 2001:500:2::c
"""


@pytest.mark.parametrize("address", PRIVATE_TEXT.split())
def test_what_is_not_on_the_public_internet_is_denied(address):
    """Loopback, private, link-local, metadata, documentation, multicast, and all of them wrapped into IPv6."""
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC_TEXT.split())
def test_public_addresses_pass(address):
    """The neighbours of the denied networks are public."""
    assert is_public(address)


@pytest.mark.parametrize(
    "text", ["", "localhost", "2130706433", "127.1", "0177.0.0.1", "0x7f.1", "1.2.3", "1.2.3.4:80", "[::1]"]
)
def test_text_that_is_no_strict_literal_is_denied(text):
    """What getaddrinfo would read as an address in some old notation is no address here."""
    assert not is_public(text)


def test_allowed_networks_pass_in_either_notation():
    """The lab's loopback is reachable once it is allowed, IPv4-mapped too; nothing else becomes reachable by that."""
    lab = [ip_network("127.0.0.0/8")]

    assert is_public("127.0.0.1", lab)
    assert is_public("::ffff:127.0.0.1", lab)
    assert not is_public("64:ff9b::7f00:1", lab)
    assert not is_public("10.0.0.1", lab)
    assert not is_public("::1", lab)
    assert is_public("fd00::1", [*lab, ip_network("fd00::/8")])
