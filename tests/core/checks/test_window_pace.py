"""How often names inside their drop windows are checked, by what the operator that answers them allows."""

from __future__ import annotations

import numpy as np
import pytest

from common.core.checks.window_pace import COUNT_EVERY
from common.core.domains.domain_table import Flag
from common.core.model.entry import DropWindow
from common.core.model.ids import Ids
from common.core.model.limit import Limit
from common.core.model.records import Detail
from common.core.model.states import State
from common.core.registries.directory import Directory
from tests.core.checks.checks_room import NOW, PLENTY, RDAP, ChecksRoom, credit

DAY, HOUR = 86_400.0, 3600.0
WIDE, NARROW = (NOW - 10 * DAY, NOW + 20 * DAY), (NOW - HOUR, NOW + 12 * HOUR)


def slow_room(**limits: tuple[float, int | None]) -> ChecksRoom:
    """A room in which these operators ("rdap_com") have that rate and day's quota."""
    rows = {}
    for operator, (rate, per_day) in limits.items():
        kind, suffix = operator.split("_")
        rows[f"{kind}/{suffix}" if kind == "dns" else f"{kind}/{kind}.{suffix}.test"] = Limit("x", rate, 2, per_day)
    return ChecksRoom(limits={**PLENTY, **rows})


def add_windows(room: ChecksRoom, suffix: str, count: int, window: tuple[float, float], *, registry: bool = True) -> Ids:
    """Watch so many more names of a suffix whose windows these are, out of the zone (`registry`) or in it."""
    table = room.domains.table
    ids = table.add_names([f"w{len(table) + number}.{suffix}" for number in range(count)], [suffix] * count)
    table.flags[ids] = Flag.WATCHED | (Flag.SINGLE if registry else 0)
    table.earliest[ids], table.latest[ids] = window
    return ids


def stretch(room: ChecksRoom, suffix: str, now: float = NOW, *, registry: bool = True, soon: bool = True) -> float:
    """How many times rarer such names are checked."""
    numbers = room.domains.table.suffix_numbers
    return room.window_pace.count_stretches(now)[numbers[suffix], registry, soon]


def test_names_that_may_drop_take_half_of_what_their_registry_allows() -> None:
    """Sixty at half a query a second: each every four minutes, and fifteen every minute."""
    room = slow_room(rdap_com=(0.5, None))
    add_windows(room, "com", 15, NARROW)
    assert stretch(room, "com") == 1.0
    add_windows(room, "com", 45, NARROW)

    assert stretch(room, "com") == pytest.approx(4.0)


def test_names_in_wide_windows_take_a_quarter_and_delay_none_that_may_drop() -> None:
    """Nine hundred of them call for one query a second; fifteen others keep their minute."""
    room = slow_room(rdap_com=(0.5, None))
    add_windows(room, "com", 900, WIDE)
    add_windows(room, "com", 15, NARROW)

    assert stretch(room, "com", soon=False) == pytest.approx(1.0 / (0.25 * 0.5), rel=0.01)
    assert stretch(room, "com") == 1.0


def test_the_learned_rate_of_a_registry_counts() -> None:
    """The rate now, not the configured one."""
    room = slow_room(rdap_com=(0.5, None))
    add_windows(room, "com", 15, NARROW)
    room.rate_limits.budgets._bucket_now(room.registries.limit_of("rdap", RDAP.server, "com"), "default", NOW).rate = 0.125

    assert stretch(room, "com") == pytest.approx(4.0)


def test_suffixes_of_one_registry_share_what_it_allows() -> None:
    """Thirty of each are sixty; another registry's names are not concerned."""
    room = slow_room(rdap_com=(0.5, None))
    room.registries.replace_directory(Directory(own=dict.fromkeys(("com", "net"), ("https://rdap.com.test/",)), own_whois={}))
    add_windows(room, "com", 30, NARROW)
    add_windows(room, "net", 30, NARROW)
    add_windows(room, "org", 500, NARROW)

    assert stretch(room, "com") == stretch(room, "net") == pytest.approx(4.0)
    assert stretch(room, "org") == 1.0


def test_a_quota_lasts_until_the_windows_or_the_day_end() -> None:
    """Half of what is left of it: of 500 now, 250 checks in the hours that remain."""
    room = slow_room(whois_se=(1000.0, 500))
    budgets, limit = room.rate_limits.budgets, room.registries.limit_of("whois", "whois.se.test", "se")
    now = NOW // DAY * DAY + DAY / 2
    add_windows(room, "se", 10, (now - HOUR, now + 4 * HOUR))
    assert stretch(room, "se", now) == pytest.approx(10 * 240 / 250, rel=0.02)
    budgets.take_tokens(limit, "default", 400, now)
    assert stretch(room, "se", now) == pytest.approx(10 * 240 / 50, rel=0.02)
    now = NOW // DAY * DAY + DAY - HOUR
    add_windows(room, "se", 10, (now - HOUR, now + 12 * HOUR))
    assert stretch(room, "se", now) == pytest.approx(10 * 60 / 50, rel=0.02)
    budgets.take_tokens(limit, "default", 100, now)
    assert stretch(room, "se", now) == float("inf")


def test_names_in_the_zone_are_paid_by_its_servers() -> None:
    """Those that are out of it by their registry, which alone knows more of them."""
    room = slow_room(dns_com=(0.25, None))
    room.registries.note_address_count("com", 2)
    add_windows(room, "com", 60, NARROW, registry=False)
    add_windows(room, "com", 60, NARROW)

    assert stretch(room, "com", registry=False) == pytest.approx(4.0)
    assert stretch(room, "com") == 1.0


def test_where_the_zone_answers_for_everything_the_registry_pays() -> None:
    """For every name."""
    room = slow_room(rdap_com=(0.5, None))
    room.registries.wildcards.note_measured("com", wildcard=True)
    add_windows(room, "com", 60, NARROW, registry=False)

    assert stretch(room, "com", registry=False) == pytest.approx(4.0)


def test_where_rdap_is_distrusted_whois_pays() -> None:
    """The channel that a check would query."""
    room = slow_room(whois_com=(0.5, None))
    add_windows(room, "com", 60, NARROW)
    assert stretch(room, "com") == 1.0
    room.trust.row_of(RDAP).quarantined_until = NOW + HOUR

    assert stretch(room, "com") == pytest.approx(4.0)


def test_two_egresses_allow_twice_as_much() -> None:
    """Budgets belong to an operator and an egress."""
    room = slow_room(rdap_com=(0.5, None))
    add_windows(room, "com", 60, NARROW)
    room.workers.note_credit(credit("intermediate", worker="i-1@b", egress="other"), NOW)

    assert stretch(room, "com") == pytest.approx(2.0)


def test_only_watched_names_inside_their_windows_are_counted() -> None:
    """Not those before or after it, nor those off the list."""
    room = slow_room(rdap_com=(0.5, None))
    add_windows(room, "com", 15, NARROW)
    add_windows(room, "com", 50, (NOW + HOUR, NOW + 2 * HOUR))
    add_windows(room, "com", 50, (NOW - 2 * HOUR, NOW - HOUR))
    room.domains.table.flags[add_windows(room, "com", 50, NARROW)] = Flag.SINGLE

    assert stretch(room, "com") == 1.0


def test_the_count_is_kept_for_some_seconds() -> None:
    """A million names are not counted for each of them; outside of a window nothing is counted at all."""
    room = slow_room(rdap_com=(0.5, None))
    entry = room.domains.working_set.load_entry(int(add_windows(room, "com", 15, NARROW)[0]), Detail())
    entry.state = State.PENDING_DELETE
    assert room.window_pace.stretch_of(entry, NOW) == 1.0
    add_windows(room, "com", 45, NARROW)
    assert room.window_pace.stretch_of(entry, NOW + COUNT_EVERY - 1) == 1.0
    assert room.window_pace.stretch_of(entry, NOW + COUNT_EVERY + 1) == pytest.approx(4.0)
    entry.drop = DropWindow(NOW + HOUR, NOW + HOUR, NOW + 2 * HOUR, 0.9)

    assert room.window_pace.stretch_of(entry, NOW + COUNT_EVERY + 1) == 1.0


def test_names_that_are_swept_are_stretched_too() -> None:
    """Each by its kind of window, those outside of one not at all."""
    room = slow_room(dns_com=(0.25, None))
    room.registries.note_address_count("com", 2)
    add_windows(room, "com", 60, NARROW, registry=False)
    add_windows(room, "com", 450, WIDE, registry=False)
    bounds = np.array([NARROW, WIDE, (NOW + 9 * DAY, NOW + 10 * DAY), (np.nan, np.nan)])
    found = room.window_pace.stretches_of(np.arange(4), bounds[:, 0], bounds[:, 1], NOW)
    assert isinstance(found, np.ndarray)

    assert found[:2].tolist() == pytest.approx([4.0, 4.0], rel=0.01)
    assert room.window_pace.stretches_of(np.arange(2), bounds[2:, 0], bounds[2:, 1], NOW) == 1.0
