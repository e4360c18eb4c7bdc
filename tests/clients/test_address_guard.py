"""The guard: what the settings allow, and never this host itself."""

import pytest

from common.clients.address_guard import CustomerGuard, Guard, is_own_address
from common.config import load
from common.core.registries.addresses import parse_address
from common.errors import Refused


def test_only_public_addresses_pass_by_default():
    """Without a setting nothing private can be reached."""
    guard = Guard(load({}))

    assert guard.allowed("8.8.8.8")
    for address in ("127.0.0.1", "::1", "169.254.169.254", "10.0.0.1", "", "example.com"):
        assert not guard.allowed(address)
    with pytest.raises(Refused, match="not a public address"):
        guard.check("127.0.0.1")


def test_allowed_private_networks_pass():
    """The lab's networks are let through, and only they."""
    guard = Guard(load({"ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8"}))

    assert guard.allowed("127.0.0.1")
    assert guard.allowed("127.9.9.9")
    assert not guard.allowed("10.0.0.1")
    guard.check("127.0.0.1")


def test_this_hosts_own_addresses_are_recognised():
    """An address of one of our interfaces is ours, any other is not."""
    own, foreign = parse_address("127.0.0.1"), parse_address("192.0.2.1")

    assert own is not None
    assert foreign is not None
    assert is_own_address(own)
    assert not is_own_address(foreign)


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        *(
            (text, False)
            for text in ("169.254.0.1", "fe80::1%eth0", "fe80::1", "168.63.129.16", "192.0.0.192", "100.100.100.200")
        ),
        *((text, False) for text in ("fd00:ec2::254", "fd20:ce::254", "not an address", "", "::ffff:169.254.169.254")),
        # inside of NAT64 (RFC 6052), of local NAT64 in each place (RFC 8215), of 6to4, of Teredo as server and as client
        *((text, False) for text in ("64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe", "64:ff9b:1:a9fe:a9:fe00::")),
        *((text, False) for text in ("64:ff9b:1:a9:fe:a9fe::", "64:ff9b:1:0:a9:fea9:fe00:0", "2002:a9fe:a9fe::1")),
        *((text, False) for text in ("2001:0:a9fe:a9fe::1", "2001:0:808:808::5601:5601", "::a9fe:a9fe")),
        *((text, True) for text in ("10.0.0.1", "192.168.1.1", "127.0.0.1", "::1", "fd00::1", "8.8.8.8", "64:ff9b::808:808")),
        *((text, True) for text in ("2002:808:808::1", "64:ff9b:1::808:808", "2606:4700:4700::1111")),
    ],
)
def test_urls_of_the_operator_may_be_private_but_no_metadata_service(address, allowed):
    """In no disguise; the customer's own API may well be on a private network."""
    assert CustomerGuard(load({})).allowed(address) is allowed


def test_metadata_networks_are_let_through_once_they_are_named():
    """And only the ones that are."""
    guard = CustomerGuard(load({"ALLOWED_PRIVATE_NETWORKS": "169.254.0.0/16"}))

    assert guard.allowed("169.254.1.1")
    assert not guard.allowed("fe80::1")
    assert not guard.allowed("64:ff9b::a9fe:a9fe")


def test_a_host_is_vetted_by_all_of_its_addresses() -> None:
    """One private address among public ones is enough to refuse it, and so is none at all."""
    guard = Guard(load({}))

    assert guard.vet("a.example", ["8.8.8.8", "1.1.1.1"]) == ["8.8.8.8", "1.1.1.1"]
    with pytest.raises(Refused, match=r"10\.0\.0\.1"):
        guard.vet("a.example", ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(Refused, match="nothing"):
        guard.vet("a.example", [])
