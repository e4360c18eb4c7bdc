"""Reading the result of a sweep: bytes become codes, and an observation as a single query would have returned it."""

from __future__ import annotations

from typing import Any

import pytest

from common.core.model.evidence import Observation, Outcome, unknown_reading
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN, OPEN, UNASKED, UNUSUAL
from common.core.sweeps.sweep_reading import NO_ADDRESS, TIMED_OUT, codes_of, observation_of, serial_of
from common.messages import SweepResult
from tests.core.checks.checks_room import credit

SILENT = Observation("dns", unknown_reading("dns_unreachable", "no server can be reached"), server="com")


def result(**fields: Any) -> SweepResult:
    """A result with these fields."""
    return SweepResult(credit("fast"), "a.1", **fields)


def test_known_codes_are_kept_and_others_are_no_answer() -> None:
    """A newer worker may know more of them."""
    known = [DELEGATED, NXDOMAIN, OPEN, UNUSUAL, UNASKED]
    codes, served = codes_of(result(codes=bytes([*known, 7, 250]), served=bytes(range(7))), 7)

    assert codes.tolist() == [*known, OPEN, OPEN]
    assert served.tolist() == list(range(7))


def test_a_zone_in_trouble_answered_for_no_name() -> None:
    """Whatever the bytes say."""
    codes, served = codes_of(result(codes=bytes([DELEGATED] * 3), served=bytes(3), trouble=SILENT), 3)

    assert codes.tolist() == [OPEN] * 3
    assert served.tolist() == [NO_ADDRESS] * 3


@pytest.mark.parametrize(("serial", "kept"), [(None, 0), (0, 0), (2**32 - 1, 2**32 - 1), (2**32, 0), (-1, 0)])
def test_a_serial_has_32_bits(serial: int | None, kept: int) -> None:
    """RFC 1035 section 3.3.13; another number is none."""
    assert serial_of(result(serial=serial)) == kept


def test_a_delegation_and_a_denial_are_observations_with_server_and_address() -> None:
    """The serial belongs to the denial."""
    message = result(server="com", width=4, serial=5, fresh_at=9.0)
    delegated = observation_of(message, "com", DELEGATED, "192.0.2.1:53/udp")
    denied = observation_of(message, "com", NXDOMAIN, "192.0.2.1:53/udp")

    assert (delegated.reading.outcome, denied.reading.outcome) == (Outcome.REGISTERED, Outcome.UNREGISTERED)
    assert (delegated.reading.serial or 0, denied.reading.serial) == (0, 5)
    assert (denied.server, denied.address, denied.width) == ("com", "192.0.2.1:53/udp", 4)


def test_a_query_without_answer_is_a_timeout_or_the_trouble_of_its_zone() -> None:
    """Trouble that claims to be of another method is not believed."""
    forged = Observation("rdap", unknown_reading("rdap_timeout", "none"))

    assert observation_of(result(), "com", OPEN, "").reading == TIMED_OUT
    assert observation_of(result(trouble=SILENT), "com", OPEN, "") == SILENT
    assert observation_of(result(trouble=forged), "com", OPEN, "").reading == TIMED_OUT
