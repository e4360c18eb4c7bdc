"""The guard: what the settings allow, and never this host itself."""

import pytest

from common.clients.guard import Guard, is_own
from common.config import load
from common.core.addresses import parse
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
    """An address of one of our interfaces is ours, anybody else's is not."""
    own, foreign = parse("127.0.0.1"), parse("192.0.2.1")

    assert own is not None
    assert foreign is not None
    assert is_own(own)
    assert not is_own(foreign)
