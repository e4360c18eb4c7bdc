"""How what a registry allows is shared by names that are out of the zone and inside their drop windows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from common.core.builtin.lifecycles import ALL_DAY, row_for
from common.core.checks.window_shares import COUNT_EVERY, QUOTA_SHARE
from common.core.domains.domain_table import Flag
from common.core.model.evidence import Phase
from common.core.model.states import State
from common.core.registries.directory import Directory
from common.core.schedule.drop_hours import EDGE, DropHours
from common.core.schedule.window_value import FINEST, OFF_HOURS, OFF_STEP
from tests.core.checks.checks_room import NOW, RDAP, ChecksRoom, credit
from tests.core.checks.drop_windows import DAY, HOUR, NARROW, WIDE, add_windows, load_dying, slow_room

#: Noon of a day, and a window around it of a registry without known hours.
NOON = NOW // DAY * DAY + DAY / 2
OPEN = (NOON - HOUR, NOON + HOUR)


def step(
    room: ChecksRoom, count: int, window: tuple[float, float] = OPEN, suffix: str = "org", *, p: float = 0.9, now: float = NOON
) -> float:
    """Seconds between looks at one of so many names that are added with this window."""
    ids = add_windows(room, suffix, count, window)
    return step_of_id(room, int(ids[0]), window, p=p, now=now)


def step_of_id(room: ChecksRoom, name_id: int, window: tuple[float, float], *, p: float = 0.9, now: float = NOON) -> float:
    """The same for one that is there, counted anew."""
    room.window_shares._counted_at = 0.0
    found = room.window_shares.step_of(load_dying(room, name_id, window, p=p), now)
    assert found is not None
    return found


def about(seconds: float) -> object:
    """Equal but for the two minutes to which the table of names keeps windows."""
    return pytest.approx(seconds, rel=0.03)


@pytest.fixture(autouse=True)
def no_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry of these tests deletes names at any time of the day."""
    monkeypatch.setattr(DropHours, "hours_of", lambda _hours, _suffix: (0.0, DAY))


def test_names_that_may_drop_take_half_of_what_their_registry_allows() -> None:
    """Sixty at half a query a second: each every four minutes; one alone at the finest step."""
    assert step(slow_room(rdap_org=(0.5, None)), 60) == about(240.0)
    assert step(slow_room(rdap_org=(0.5, None)), 1) == 5.0


def test_a_slow_registry_sets_the_step_of_a_single_name() -> None:
    """Half of one query in fifty seconds."""
    assert step(slow_room(rdap_org=(0.02, None)), 1) == about(100.0)


def test_a_name_in_a_window_that_says_less_is_looked_at_less_often() -> None:
    """By the root of the ratio of their densities; and never closer than a wide window is worth."""
    room, day = slow_room(rdap_org=(0.02, None)), (NOON - 9 * HOUR, NOON + 9 * HOUR)
    wide = int(add_windows(room, "org", 1, day)[0])
    narrow = step(room, 1)

    assert step_of_id(room, wide, day) / narrow == about(9**0.5)
    assert step_of_id(room, wide, WIDE) == about(HOUR)


def test_priority_makes_a_look_worth_more() -> None:
    """Four times, so that it comes twice as often."""
    room = slow_room(rdap_org=(0.02, None))
    ids = add_windows(room, "org", 2, OPEN)
    room.domains.table.flags[ids[0]] |= Flag.PRIORITY

    assert step_of_id(room, int(ids[1]), OPEN) / step_of_id(room, int(ids[0]), OPEN) == about(2.0)


def test_the_learned_rate_of_a_registry_counts() -> None:
    """The rate now, not the configured one."""
    room = slow_room(rdap_org=(0.5, None))
    limit = room.registries.limit_of("rdap", "rdap.org.test", "org")
    room.rate_limits.budgets._bucket_now(limit, "default", NOON).rate = 0.125

    assert step(room, 15) == about(240.0)


def test_suffixes_of_one_registry_share_what_it_allows() -> None:
    """Thirty of each are sixty; another registry's names are not concerned."""
    room = slow_room(rdap_com=(0.5, None))
    room.registries.replace_directory(Directory(own=dict.fromkeys(("com", "net"), ("https://rdap.com.test/",)), own_whois={}))
    first = int(add_windows(room, "com", 30, OPEN)[0])
    second = int(add_windows(room, "net", 30, OPEN)[0])
    add_windows(room, "org", 500, OPEN)

    assert [step_of_id(room, first, OPEN), step_of_id(room, second, OPEN)] == [about(240.0)] * 2


def test_the_quota_of_a_day_is_left_for_the_windows_of_the_evening() -> None:
    """Two of the same length get the same number of looks, whichever is open now."""
    alone, both = (slow_room(whois_se=(1000.0, 400)) for _ in range(2))
    add_windows(both, "se", 1, (NOON + 6 * HOUR, NOON + 8 * HOUR))
    window = (NOON, NOON + 2 * HOUR)

    assert step(alone, 1, window, "se") == pytest.approx((2 * HOUR + EDGE) / (QUOTA_SHARE * 300), rel=0.01)
    assert step(both, 1, window, "se") == pytest.approx((4 * HOUR + 3 * EDGE) / (QUOTA_SHARE * 300), rel=0.01)


def test_a_window_that_has_just_closed_does_not_use_up_the_quota() -> None:
    """For five minutes it is looked at in them alone, but no closer than what is left pays for."""
    room = slow_room(whois_se=(1000.0, 40))

    assert step(room, 1, (NOON - HOUR, NOON), "se") > 0.5 * EDGE / (QUOTA_SHARE * 30) > FINEST  # columns round to two minutes


def test_a_quota_that_is_used_up_ends_the_close_watch() -> None:
    """What confirmations need is left."""
    room = slow_room(whois_se=(1000.0, 400))
    room.rate_limits.budgets.take_tokens(room.registries.limit_of("whois", "whois.se.test", "se"), "default", 300, NOON)

    assert step(room, 1, OPEN, "se") == float("inf")


def test_a_second_channel_adds_its_quota() -> None:
    """Looks go there once the first one takes no more; the pace stays that of the first."""
    alone = slow_room(rdap_com=(1000.0, 400), whois_com=(0.0, None))
    both = slow_room(rdap_com=(1000.0, 400), whois_com=(1000.0, 400))
    slow = slow_room(rdap_com=(0.02, None), whois_com=(1000.0, 400))

    assert step(alone, 10, OPEN, "com") == pytest.approx(10 * (HOUR + EDGE) / (QUOTA_SHARE * 300), rel=0.03)
    assert step(both, 10, OPEN, "com") == pytest.approx(10 * (HOUR + EDGE) / (2 * QUOTA_SHARE * 300), rel=0.03)
    assert step(slow, 1, OPEN, "com") == about(100.0)


def test_a_second_channel_without_a_quota_adds_what_its_rate_allows_until_midnight() -> None:
    """Half of it, as of any."""
    room = slow_room(rdap_com=(1000.0, 400), whois_com=(0.02, None))

    assert step(room, 10, OPEN, "com") == pytest.approx(10 * (HOUR + EDGE) / (QUOTA_SHARE * 300 + 0.01 * DAY / 2), rel=0.03)


def test_registries_that_share_a_second_channel_divide_what_it_allows() -> None:
    """Each of two adds half of it."""
    room = slow_room(rdap_com=(1000.0, 400), rdap_org=(1000.0, 400), whois_com=(1000.0, 400))
    own = {suffix: (f"https://rdap.{suffix}.test/",) for suffix in ("com", "org")}
    room.registries.replace_directory(Directory(own=own, own_whois=dict.fromkeys(own, "whois.com.test")))
    add_windows(room, "org", 10, OPEN)

    assert step(room, 10, OPEN, "com") == pytest.approx(10 * (HOUR + EDGE) / (1.5 * QUOTA_SHARE * 300), rel=0.03)


def test_where_rdap_is_distrusted_whois_pays() -> None:
    """The channel that a check would query."""
    room = slow_room(whois_com=(0.5, None))
    ids = add_windows(room, "com", 60, NARROW)
    assert step_of_id(room, int(ids[0]), NARROW, now=NOW) < 20
    room.trust.row_of(RDAP).quarantined_until = NOW + HOUR

    assert step_of_id(room, int(ids[0]), NARROW, now=NOW) == about(240.0)


def test_two_egresses_allow_twice_as_much() -> None:
    """Budgets belong to an operator and an egress."""
    room = slow_room(rdap_org=(0.5, None))
    room.workers.note_credit(credit("intermediate", worker="i-1@b", egress="other"), NOON)

    assert step(room, 60) == about(120.0)


def test_only_watched_names_that_may_drop_now_take_a_share() -> None:
    """Not those before or after their windows, off the list, free already, or with another phase before them."""
    room = slow_room(rdap_org=(0.5, None))
    add_windows(room, "org", 50, (NOON + HOUR, NOON + 2 * HOUR))
    add_windows(room, "org", 50, (NOON - 2 * HOUR, NOON - HOUR))
    add_windows(room, "org", 50, OPEN, state=State.AVAILABLE)
    add_windows(room, "org", 50, OPEN, state=State.REDEMPTION)
    room.domains.table.flags[add_windows(room, "org", 50, OPEN)] = Flag.SINGLE

    assert step(room, 60) == about(240.0)


def test_a_name_outside_of_its_window_or_in_redemption_has_no_step() -> None:
    """Its calendar tells when it is looked at, as that of one that was announced."""
    room = slow_room(rdap_org=(0.5, None))
    early, redeemed, free = add_windows(room, "org", 3, OPEN).tolist()
    before = load_dying(room, early, (NOON + HOUR, NOON + 2 * HOUR))
    later = load_dying(room, redeemed, OPEN, phase=Phase.REDEMPTION)
    announced = load_dying(room, free, OPEN)
    announced.state = State.AVAILABLE

    assert [room.window_shares.step_of(entry, NOON) for entry in (before, later, announced)] == [None] * 3


def test_outside_of_the_hours_of_its_registry_a_name_is_not_watched_closely(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even though its window of three days is open. What was learned of them counts, from the next look on."""
    monkeypatch.undo()
    room = slow_room(rdap_org=(0.5, None))
    room.domains.calendar.hours.set_cycle("org", replace(row_for("org"), window=(18 * 60, 19 * 60)))
    window = (NOON - 2 * DAY, NOON + DAY)

    name_id = int(add_windows(room, "org", 1, window)[0])

    assert step_of_id(room, name_id, window) == float("inf")
    assert step_of_id(room, name_id, window, now=NOON + 6.5 * HOUR) == 5.0


def test_a_part_of_the_looks_is_kept_for_other_hours_than_those_that_were_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fifth of what a quota leaves; once the hours are over a look an hour at most, or one each base interval."""
    monkeypatch.undo()
    room, window, looks = slow_room(whois_se=(1000.0, 100)), (NOON + 3 * HOUR, NOON + 4 * HOUR), 75 * QUOTA_SHARE
    name_id = int(add_windows(room, "se", 1, window)[0])
    entry = load_dying(room, name_id, window)
    assert room.window_shares.step_of(entry, NOON - 12 * HOUR) is None  # the row is published
    room.domains.calendar.hours.set_cycle("se", replace(row_for("se"), window=(15 * 60, 16 * 60)))

    inside, outside = HOUR + 2 * EDGE, HOUR * OFF_HOURS / (1 - OFF_HOURS)
    assert step_of_id(room, name_id, window, now=NOON - 12 * HOUR) == about(23 * HOUR / (looks * outside / (inside + outside)))
    assert step_of_id(room, name_id, window, now=window[0]) == about((inside - EDGE + outside * 8 / 23) / looks)
    assert step_of_id(room, name_id, window, now=window[1] + HOUR) == OFF_STEP
    room.domains.cadence = structs.replace(room.domains.cadence, interval=900.0)
    assert step_of_id(room, name_id, window, now=window[1] + HOUR) == 900.0
    wide = (NOON - 2 * DAY, window[1])
    room.domains.table.earliest[name_id] = wide[0]
    assert step_of_id(room, name_id, wide, now=NOON) == float("inf")


def test_looks_for_other_hours_are_counted_where_they_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour of plenty leaves what one look an hour needs; a window that says little keeps none."""
    monkeypatch.undo()
    room, window = slow_room(whois_se=(1000.0, 400)), (NOON + 3 * HOUR, NOON + 4 * HOUR)
    name_id = int(add_windows(room, "se", 1, window)[0])
    room.domains.calendar.hours.set_cycle("se", replace(row_for("se"), window=(15 * 60, 16 * 60)))

    assert step_of_id(room, name_id, window, now=window[0]) == about((HOUR + EDGE) / (300 * QUOTA_SHARE - 8))
    wide = (window[0] - 2 * DAY, window[1])
    room.domains.table.earliest[name_id] = wide[0]
    assert step_of_id(room, name_id, wide, now=window[0]) == about((HOUR + EDGE) / (300 * QUOTA_SHARE))


def test_a_learned_last_phase_keeps_names_in_redemption_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """And one that the registry does not have lets them in."""
    monkeypatch.undo()
    room = slow_room(rdap_org=(0.5, None))
    ids = add_windows(room, "org", 60, OPEN, state=State.REDEMPTION)
    entry = load_dying(room, int(ids[0]), OPEN, p=0.7, phase=Phase.REDEMPTION)
    assert room.window_shares.step_of(entry, NOON) is None
    room.domains.calendar.hours.set_cycle("org", replace(row_for("org"), pending=None, window=ALL_DAY))

    assert room.window_shares.step_of(entry, NOON) == about(240.0)


def test_the_count_is_kept_for_some_seconds() -> None:
    """A million names are not counted for each of them."""
    room = slow_room(rdap_org=(0.5, None))
    entry = load_dying(room, int(add_windows(room, "org", 30, OPEN)[0]), OPEN)
    assert room.window_shares.step_of(entry, NOON) == about(120.0)
    add_windows(room, "org", 30, OPEN)

    assert room.window_shares.step_of(entry, NOON + COUNT_EVERY - 1) == about(120.0)
    assert room.window_shares.step_of(entry, NOON + COUNT_EVERY) == about(240.0)
