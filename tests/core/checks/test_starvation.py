"""Which suffixes have more names than the budget of their registry can look at in time."""

from __future__ import annotations

import numpy as np
import pytest

from common.core.checks.starvation import COUNT_EVERY, DAY, MOST_TOLD, Starvation
from common.core.domains.domain_table import STATE_CODES, Flag
from common.core.model.states import State
from common.core.registries.directory import Directory
from tests.core.checks.checks_room import NOW, ChecksRoom
from tests.core.checks.drop_windows import slow_room


def watch_names(room: ChecksRoom, suffix: str, count: int, state: State, since: float = NOW) -> None:
    """Watch so many more names of a suffix, in this state since then (epoch seconds)."""
    table = room.domains.table
    ids = table.add_names([f"s{len(table) + number}.{suffix}" for number in range(count)], [suffix] * count)
    table.flags[ids], table.state[ids], table.since[ids] = Flag.WATCHED, STATE_CODES[state], since


def starvation_of(room: ChecksRoom) -> Starvation:
    """The counter over a room."""
    return Starvation(domains=room.domains, rate_limits=room.rate_limits, shares=room.window_shares)


def test_a_list_that_its_registry_can_answer_starves_nothing() -> None:
    """A week for each registered name, six hours for one in redemption."""
    room = slow_room(rdap_com=(0.02, None))
    watch_names(room, "com", 7000, State.REGISTERED)
    watch_names(room, "com", 180, State.REDEMPTION)

    assert starvation_of(room).find_starved(NOW) == []


def test_what_is_needed_and_what_is_allowed_are_told() -> None:
    """Of all names that the same budget pays for; those of others are not concerned, nor names off the list."""
    room = slow_room(rdap_com=(0.02, None), rdap_org=(0.5, None))
    room.registries.replace_directory(
        Directory(
            own={"com": ("https://rdap.com.test/",), "net": ("https://rdap.com.test/",), "org": ("https://rdap.org.test/",)},
            own_whois={},
        )
    )
    watch_names(room, "com", 7000, State.REGISTERED)
    watch_names(room, "net", 700, State.PENDING_DELETE)
    watch_names(room, "org", 70_000, State.REGISTERED)
    found = starvation_of(room).find_starved(NOW)

    assert [(row.suffix, row.operator, row.names) for row in found] == [
        ("net", "rdap/rdap.com.test", 700),
        ("com", "rdap/rdap.com.test", 7000),
    ]
    assert {round(row.needed * DAY) for row in found} == {2400}
    assert {row.allowed for row in found} == {0.02}
    room.domains.table.flags[np.arange(len(room.domains.table))] = 0
    assert starvation_of(room).find_starved(NOW) == []


def test_half_of_a_quota_is_for_routine() -> None:
    """From every egress."""
    room = slow_room(whois_se=(1000.0, 100))
    watch_names(room, "se", 60, State.UNDELEGATED)
    (row,) = starvation_of(room).find_starved(NOW)

    assert row.allowed * DAY == pytest.approx(50)


def test_those_that_lack_most_come_first() -> None:
    """And no more suffixes are told than are read."""
    room = slow_room(rdap_com=(1e-9, None), rdap_org=(1e-3, None))
    watch_names(room, "org", 5000, State.REGISTERED)
    watch_names(room, "com", 1, State.REGISTERED)
    starvation = starvation_of(room)

    assert [row.suffix for row in starvation.find_starved(NOW)] == ["com", "org"]
    watch_names(room, "net", 1, State.REGISTERED)
    own = {f"s{number}": ("https://rdap.com.test/",) for number in range(MOST_TOLD + 1)}
    room.registries.replace_directory(Directory(own=own, own_whois={}))
    for suffix in own:
        watch_names(room, suffix, 1, State.REGISTERED)
    assert len(starvation.find_starved(NOW + COUNT_EVERY - 1)) == 2  # counted every ten minutes
    assert len(starvation.find_starved(NOW + COUNT_EVERY)) == MOST_TOLD


@pytest.mark.parametrize(
    ("state", "days", "a_day"),
    [
        (State.REGISTERED, 500, 1 / 7),
        (State.EXPIRED_GRACE, 1, 1 / 3),
        (State.UNDELEGATED, 1, 1.0),
        (State.AVAILABLE, 0, 24.0),
        (State.AVAILABLE, 6, 4.0),
        (State.UNREGISTERED, 30, 1.0),
        (State.AVAILABLE_PREMIUM, 90, 1 / 7),
        (State.RESERVED, 90, 1 / 7),
    ],
)
def test_a_name_needs_as_many_answers_as_its_state_calls_for(state: State, days: float, a_day: float) -> None:
    """Of announced ones fewer as time goes by."""
    room = slow_room(rdap_com=(1e-9, None))
    watch_names(room, "com", 10, state, NOW - days * DAY)
    (row,) = starvation_of(room).find_starved(NOW)

    assert row.needed * DAY == pytest.approx(10 * a_day)


def test_a_name_that_no_zone_guards_needs_an_answer_a_day() -> None:
    """And an announced one as many as everywhere."""
    room = slow_room(rdap_com=(1e-9, None))
    room.registries.wildcards.note_measured("com", wildcard=True)
    watch_names(room, "com", 10, State.REGISTERED)
    watch_names(room, "com", 10, State.EXPIRED_GRACE)
    watch_names(room, "com", 10, State.AVAILABLE, NOW - 90 * DAY)
    (row,) = starvation_of(room).find_starved(NOW)

    assert row.needed * DAY == pytest.approx(20 + 10 / 7)
