"""Zones by transfer, from a name server that misbehaves on demand."""

import asyncio
import base64
import time

import dns.tsig
import pytest

from common.clients.address_guard import Guard
from common.clients.axfr import TransferBounds, TsigKey, ZoneServer, open_transfer
from common.config import load
from common.errors import ClientError, Refused, TimedOut, TooLarge
from tests.clients.http_asking import LAB
from tests.clients.line_server import closed_port
from tests.lab import net
from tests.lab import zone_server as lab
from tests.lab.faults import FaultTable

NAMES = [f"name-{number}.se" for number in range(1000)]
QUICK = TransferBounds(seconds=2.0, silence=0.4)
KEY = TsigKey("transfer.lab", base64.b64encode(bytes(range(32))).decode())
OTHER_KEY = TsigKey("transfer.lab", base64.b64encode(bytes(32)).decode())


def transfer(fault=None, *, names=NAMES, seen=None, bounds=QUICK, guarded=LAB, key=None, wanted_key=None):
    """One transfer of .se with serial 7; gives (names in order, the transfer, what was asked)."""

    async def main():
        faults = FaultTable(time.time)
        if fault is not None:
            faults.add("axfr/se", fault)
        theirs = None if wanted_key is None else dns.tsig.Key(wanted_key.name, wanted_key.secret, wanted_key.algorithm)
        server = lab.ZoneServer({"se": lambda: (7, names)}, faults, theirs)
        tcp = net.tcp_socket("127.0.0.1")
        await server.start(tcp)
        found = []
        try:
            wanted = ZoneServer(zone="se", host="127.0.0.1", port=tcp.getsockname()[1], key=key, seen_serial=seen)
            async with open_transfer(wanted, Guard(load(guarded)).allowed, bounds=bounds) as coming:
                async for batch in coming.read_delegations():
                    found += batch
                return found, coming, server.asked
        finally:
            await server.stop()

    return asyncio.run(main())


def test_delegated_names_of_a_whole_zone_come_once_and_in_order():
    """Two NS records a name, apex and SOA left out, over several messages."""
    found, coming, asked = transfer()
    assert found == NAMES
    assert (coming.serial, coming.unchanged, asked) == (7, False, ["SOA se", "AXFR se"])
    assert coming.records == 2 + 2 * len(NAMES) + 1
    assert coming.size > 20 * len(NAMES)


def test_a_zone_whose_serial_was_seen_costs_one_query():
    """Nothing is transferred where the serial is the one that was read before."""
    found, coming, asked = transfer(seen=7)
    assert (found, coming.unchanged, asked) == ([], True, ["SOA se"])


def test_an_empty_zone_is_whole():
    """The SOA record, the servers of the zone, the SOA record."""
    assert transfer(names=[])[0] == []


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("cut", "ends before|reset"),
        ("no-end", "ends before|reset"),
        ("wrong-end", "does not end with the SOA"),
        ("no-start", "does not begin with the SOA"),
        ("refused", "refuses the transfer"),
        ("foreign", "outside the zone"),
        ("garbage", "127.0.0.1: "),
    ],
)
def test_a_transfer_that_is_not_whole_is_an_error(fault, said):
    """Whatever ends it, there is no result, and the text says what was wrong."""
    with pytest.raises(ClientError, match=said):
        transfer(fault)


def test_a_server_that_falls_silent_is_left_after_a_while():
    """Silence between two messages ends the transfer."""
    with pytest.raises(TimedOut, match=r"silent after 0\.4 s"):
        transfer("silence")


@pytest.mark.parametrize(
    "bounds",
    [
        TransferBounds(most_bytes=100_000),
        TransferBounds(most_records=5000),
        TransferBounds(most_messages=20),
    ],
)
def test_a_zone_without_an_end_is_bounded(bounds):
    """Bytes, records and messages each have a bound."""
    with pytest.raises(TooLarge):
        transfer("endless", bounds=bounds)


def test_a_zone_without_an_end_is_bounded_in_time():
    """Data that never stops is not followed for longer than all of it may take."""
    with pytest.raises(TimedOut, match=r"not whole after 0\.3 s"):
        transfer("endless", bounds=TransferBounds(seconds=0.3))


def test_a_server_that_wants_a_key_gets_and_gives_signatures():
    """Every message is checked where there is a key."""
    found, coming, _ = transfer(key=KEY, wanted_key=KEY, names=NAMES[:300], bounds=TransferBounds())
    assert (found, coming.serial) == (NAMES[:300], 7)


@pytest.mark.parametrize(
    ("fault", "key", "said"),
    [
        ("unsigned", KEY, "without a signature|not signed"),
        (None, None, "REFUSED"),
        (None, OTHER_KEY, "REFUSED|not signed"),
    ],
)
def test_a_transfer_that_is_not_signed_as_it_has_to_be_is_an_error(fault, key, said):
    """Messages without signatures, a query without one, and one with another secret."""
    with pytest.raises(ClientError, match=said):
        transfer(fault, key=key, wanted_key=KEY, names=NAMES[:300], bounds=TransferBounds())


def test_a_private_address_is_refused():
    """The guard is asked about every address of the host."""
    with pytest.raises(Refused):
        transfer(guarded={})


def test_a_closed_port_is_an_error():
    """Nothing listens: a ClientError as any other."""

    async def main():
        wanted = ZoneServer(zone="se", host="127.0.0.1", port=closed_port())
        async with open_transfer(wanted, Guard(load(LAB)).allowed, bounds=QUICK):
            pass

    with pytest.raises(ClientError, match="refused"):
        asyncio.run(main())
