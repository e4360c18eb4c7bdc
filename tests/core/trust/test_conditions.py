"""Which registry channels an alarm may wait for."""

from __future__ import annotations

import pytest

from common.core.channels.channel_health import DEAD_AFTER, FRESH
from common.core.model.evidence import Outcome
from common.core.model.limit import Limit
from common.core.trust.server_trust import QUARANTINE
from tests.core.trust.trust_rooms import NOW, PLENTY, RDAP, WHOIS, TrustRooms, catch_lie, verify_server


def methods(rooms: TrustRooms, now: float = NOW) -> list[str]:
    """The methods of the channels that an alarm about a name of .com may wait for."""
    return [condition.method for condition in rooms.conditions.find_conditions("com", now)[0]]


def test_an_alarm_may_wait_for_every_registry_channel_that_can_be_asked() -> None:
    """The fastest first, each with its pace; a positive of the last two minutes is fresh."""
    rooms = TrustRooms(limits={"rdap/*": Limit("rdap/*", 2.0, 1), **PLENTY})
    found, fresh = rooms.conditions.find_conditions("com", NOW)

    assert [(condition.key, condition.pace) for condition in found] == [(WHOIS, 1000.0), (RDAP, 2.0)]
    assert fresh == FRESH


def test_it_waits_for_no_channel_that_is_dead_or_lied_or_limits_us() -> None:
    """Each of them alone leaves the other one."""
    dead, lied, limited = TrustRooms(), TrustRooms(), TrustRooms()
    for moment in (0.0, 30.0, DEAD_AFTER):
        dead.channels.healths.note_outcome(WHOIS, Outcome.UNKNOWN, "no answer", NOW - DEAD_AFTER + moment)
    catch_lie(lied, WHOIS, NOW)
    limited.limit_operator(WHOIS, NOW, 3600.0)

    assert methods(dead) == methods(lied) == methods(limited) == ["rdap"]


def test_a_server_that_lied_is_waited_for_again_once_it_passed_both_canaries() -> None:
    """The end of its quarantine is not enough."""
    rooms = TrustRooms()
    catch_lie(rooms, WHOIS, NOW)
    later = NOW + QUARANTINE + 1.0
    assert methods(rooms, later) == ["rdap"]

    verify_server(rooms, WHOIS, later)
    assert sorted(methods(rooms, later)) == ["rdap", "whois"]


def test_without_a_worker_nothing_can_be_waited_for() -> None:
    """No channel has a pace."""
    assert methods(TrustRooms(pools=())) == []


def test_where_every_channel_is_slow_a_positive_may_be_as_old_as_its_pace_needs() -> None:
    """Four queries of the fastest one."""
    rooms = TrustRooms(limits={"*": Limit("*", 0.01, 1)})

    assert rooms.conditions.find_conditions("com", NOW)[1] == pytest.approx(400.0)
