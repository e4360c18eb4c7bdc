"""How often names inside their windows are looked at: by the width of the window, and by what their operator can be asked."""

from __future__ import annotations

import numpy as np
import pytest

from common.core.checks import rounds
from common.core.domains.domain_table import Flag
from common.core.model.entry import Check, DropWindow, Entry
from common.core.model.evidence import Phase
from common.core.model.ids import Ids
from common.core.model.limit import Limit
from common.core.model.records import Detail
from common.core.model.states import State
from common.core.registries.directory import Directory
from common.core.schedule.cadence import Cadence, is_imminent, next_check_at, next_check_times, window_steps
from common.messages import VERSION, Credit
from tests.sim.truth import Name
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

NOW = 1_790_000_000.0
DAY, HOUR = 86_400.0, 3600.0
CADENCE = Cadence(3600.0, 60.0, 30.0, 2.0)
FREE = {"*": Limit("*", 1e6, 10**6, None)}
WIDE, NARROW = (NOW - 10 * DAY, NOW + 20 * DAY), (NOW - HOUR, NOW + 12 * HOUR)


def name(window: tuple[float, float], *, priority: bool = False) -> Entry:
    """A name in redemption that drops in this window."""
    made = Entry("gone.com", "com", "gone", state=State.REDEMPTION, priority=priority)
    made.drop = DropWindow(window[0], sum(window) / 2, window[1], 0.9)
    return made


def wait(entry: Entry, stretch: float = 1.0) -> float:
    """Seconds until the next look, jitter included."""
    return next_check_at(entry, CADENCE, NOW, confirming=False, inconclusive=False, stretch=stretch) - NOW


@pytest.mark.parametrize(
    ("window", "seconds"),
    [
        (NARROW, 60.0),
        ((NOW - DAY, NOW + DAY), 60.0),
        ((NOW - DAY, NOW + 3 * DAY), 120.0),
        (WIDE, 900.0),
        ((NOW - 29 * DAY, NOW + DAY), 60.0),  # its last day
        ((NOW - 28 * DAY, NOW + 2 * DAY), 900.0),
        ((NOW - 100 * DAY, NOW + 200 * DAY), 3600.0),  # the base cadence
    ],
)
def test_a_window_is_watched_the_more_rarely_the_wider_it_is(window: tuple[float, float], seconds: float) -> None:
    """A minute up to two days and in the last one, never rarer than outside; one name and many alike, and none in step."""
    rows, bounds = np.arange(500), [np.full(500, at) for at in window]
    waits = next_check_times(rows, np.full(500, 3600.0), *bounds, NOW) - NOW

    assert 0.8 * seconds <= wait(name(window)) <= 1.2 * seconds
    assert waits.min() < 0.85 * seconds
    assert waits.max() > 1.15 * seconds
    assert waits.min() >= 0.8 * seconds
    assert waits.max() <= 1.2 * seconds


def test_what_an_operator_cannot_be_asked_makes_looks_rarer_up_to_the_base_cadence() -> None:
    """Inside the window alone; a quicker cadence too, up to a quarter of an hour: the questions of a day have to last."""
    rows, inside = np.arange(3), np.array([True, True, False])
    earliest, latest = np.where(inside, NARROW[0], np.nan), np.where(inside, NARROW[1], np.nan)
    waits = next_check_times(rows, np.full(3, 3600.0), earliest, latest, NOW, np.array([4.0, np.inf, 4.0])) - NOW

    assert 192 <= wait(name(NARROW), 4.0) <= 288
    assert 2880 <= wait(name(NARROW), float("inf")) <= 4320
    assert 192 <= wait(name(NARROW, priority=True), 4.0) <= 288
    assert 720 <= wait(name(NARROW, priority=True), 100.0) <= 1080
    assert 192 <= waits[0] <= 288
    assert waits[1:].min() >= 2880


def test_the_step_of_a_window_does_not_depend_on_how_many_are_asked_for() -> None:
    """One or many."""
    assert window_steps(np.array([WIDE[0], NARROW[0]]), np.array([WIDE[1], NARROW[1]]), NOW).tolist() == [900.0, 60.0]


@pytest.mark.parametrize(
    ("window", "soon"),
    [
        (NARROW, True),
        ((NOW + HOUR, NOW + 2 * HOUR), True),
        ((NOW + 1.1 * HOUR, NOW + 2 * HOUR), False),
        ((NOW - 2 * HOUR, NOW - HOUR), True),
        ((NOW - 2 * HOUR, NOW - 1.1 * HOUR), False),
        (WIDE, False),
        ((NOW - 29 * DAY, NOW + DAY), True),
    ],
)
def test_a_name_may_drop_about_now_in_a_window_that_tells_the_day(window: tuple[float, float], soon: bool) -> None:
    """An hour around it; of a wide one in its last day."""
    entry = name(window)
    entry.check = Check(NOW, asked={"rdap"})

    assert is_imminent(entry, NOW) is soon
    assert rounds._dropping(entry, entry.check, NOW) is soon


def windows(world: World, suffix: str, count: int, window: tuple[float, float], *, close: bool = True) -> Ids:
    """So many more names of a suffix whose windows these are."""
    table = world.core.rooms.domains.table
    rows = table.add_names([f"w{len(table) + number}.{suffix}" for number in range(count)], [suffix] * count)
    table.flags[rows] = Flag.WATCHED | (Flag.SINGLE if close else 0)
    shift = world.now - NOW
    table.earliest[rows], table.latest[rows] = window[0] + shift, window[1] + shift
    return rows


def stretched(world: World, suffix: str, *, close: bool = True, soon: bool = True) -> float:
    """How many times rarer such names are looked at."""
    table = world.core.rooms.domains.table
    return world.core.rooms.window_pace.count_stretches(world.now)[table.suffix_numbers[suffix], close, soon]


def slow(**limits: tuple[float, int | None]) -> World:
    """A world in which these operators ("rdap_com") have that rate and day's quota."""
    rows = {}
    for operator, (rate, per_day) in limits.items():
        kind, suffix = operator.split("_")
        rows[f"{kind}/{suffix}" if kind == "dns" else f"{kind}/{kind}.{suffix}.test"] = Limit("x", rate, 2, per_day)
    world = World(interval=3600.0, limits={**FREE, **rows})
    world.run(1)
    return world


def test_names_that_may_drop_take_half_of_what_their_registry_allows() -> None:
    """Sixty at half a question a second: each every four minutes, and fifteen every minute."""
    world = slow(rdap_com=(0.5, None))
    windows(world, "com", 15, NARROW)
    assert stretched(world, "com") == 1.0
    windows(world, "com", 45, NARROW)

    assert stretched(world, "com") == pytest.approx(4.0)


def test_names_in_wide_windows_take_a_quarter_and_slow_none_down_that_may_drop() -> None:
    """Nine hundred of them ask for one question a second; fifteen others keep their minute."""
    world = slow(rdap_com=(0.5, None))
    windows(world, "com", 900, WIDE)
    windows(world, "com", 15, NARROW)

    assert stretched(world, "com", soon=False) == pytest.approx(1.0 / (0.25 * 0.5), rel=0.01)
    assert stretched(world, "com") == 1.0


def test_what_was_learned_of_a_registry_counts() -> None:
    """The rate now, not the one to begin with."""
    world = slow(rdap_com=(0.5, None))
    windows(world, "com", 15, NARROW)
    rooms = world.core.rooms
    rooms.rate_limits.budgets._bucket_now(
        rooms.registries.limit_of("rdap", "rdap.com.test", "com"), "default", world.now
    ).rate = 0.125

    assert stretched(world, "com") == pytest.approx(4.0)


def test_suffixes_of_one_registry_share_what_it_allows() -> None:
    """Thirty of each are sixty; another registry's names are not concerned."""
    world = slow(rdap_com=(0.5, None))
    world.core.rooms.registries.replace_directory(
        Directory(own=dict.fromkeys(("com", "net"), ("https://rdap.com.test/",)), own_whois={})
    )
    windows(world, "com", 30, NARROW)
    windows(world, "net", 30, NARROW)
    windows(world, "org", 500, NARROW)

    assert stretched(world, "com") == stretched(world, "net") == pytest.approx(4.0)
    assert stretched(world, "org") == 1.0


def test_a_quota_lasts_until_the_windows_or_the_day_end() -> None:
    """Half of what is left of it: of 500 now, 250 looks in the hours that remain."""
    world = slow(whois_se=(1000.0, 500))
    world.now = NOW // DAY * DAY + DAY / 2
    windows(world, "se", 10, (NOW - HOUR, NOW + 4 * HOUR))
    assert stretched(world, "se") == pytest.approx(10 * 240 / 250, rel=0.02)
    rooms = world.core.rooms
    rooms.rate_limits.budgets.take_tokens(rooms.registries.limit_of("whois", "whois.se.test", "se"), "default", 400, world.now)
    assert stretched(world, "se") == pytest.approx(10 * 240 / 50, rel=0.02)
    world.now = NOW // DAY * DAY + DAY - HOUR
    windows(world, "se", 10, NARROW)
    assert stretched(world, "se") == pytest.approx(10 * 60 / 50, rel=0.02)
    rooms.rate_limits.budgets.take_tokens(rooms.registries.limit_of("whois", "whois.se.test", "se"), "default", 100, world.now)
    assert stretched(world, "se") == float("inf")


def test_names_in_the_zone_are_asked_about_at_its_servers() -> None:
    """Those that are out of it at their registry, which alone knows more of them."""
    world = slow(dns_com=(0.25, None))
    world.core.rooms.widths["com"] = 2
    windows(world, "com", 60, NARROW, close=False)
    windows(world, "com", 60, NARROW)

    assert stretched(world, "com", close=False) == pytest.approx(4.0)
    assert stretched(world, "com") == 1.0


def test_where_the_zone_answers_for_everything_the_registry_is_asked() -> None:
    """About every name."""
    world = slow(rdap_com=(0.5, None))
    world.core.rooms.registries.wildcards["com"] = True
    windows(world, "com", 60, NARROW, close=False)

    assert stretched(world, "com", close=False) == pytest.approx(4.0)


def test_where_rdap_is_not_believed_whois_pays() -> None:
    """The channel that a visit would ask."""
    world = slow(whois_com=(0.5, None))
    windows(world, "com", 60, NARROW)
    assert stretched(world, "com") == 1.0
    world.core.rooms.trust.row_of(("rdap", "rdap.com.test", "com")).quarantined_until = world.now + HOUR

    assert stretched(world, "com") == pytest.approx(4.0)


def test_two_ways_out_allow_twice_as_much() -> None:
    """Budgets belong to an operator and an egress."""
    world = slow(rdap_com=(0.5, None))
    windows(world, "com", 60, NARROW)
    world.core.rooms.workers.note_credit(Credit(VERSION, "i-1@b", "b", "intermediate", "other", ("rdap",), 4, 4, 0), world.now)

    assert stretched(world, "com") == pytest.approx(2.0)


def test_only_watched_names_inside_their_windows_are_counted() -> None:
    """Not those before or after it, nor those off the list."""
    world = slow(rdap_com=(0.5, None))
    windows(world, "com", 15, NARROW)
    windows(world, "com", 50, (NOW + HOUR, NOW + 2 * HOUR))
    windows(world, "com", 50, (NOW - 2 * HOUR, NOW - HOUR))
    world.core.rooms.domains.table.flags[windows(world, "com", 50, NARROW)] = Flag.SINGLE

    assert stretched(world, "com") == 1.0


def test_the_count_is_kept_for_some_seconds() -> None:
    """A look at a million names is not taken for each of them; outside of a window none is taken at all."""
    world = slow(rdap_com=(0.5, None))
    rooms = world.core.rooms
    row = windows(world, "com", 15, NARROW)[0]
    entry = rooms.domains.working_set.load_entry(int(row), Detail())
    entry.state = State.PENDING_DELETE
    assert board.window_pace.stretch(entry, world.now) == 1.0
    windows(world, "com", 45, NARROW)
    assert board.window_pace.stretch(entry, world.now + 9) == 1.0
    assert board.window_pace.stretch(entry, world.now + 11) == pytest.approx(4.0)
    entry.drop = DropWindow(world.now + HOUR, world.now + HOUR, world.now + 2 * HOUR, 0.9)

    assert board.window_pace.stretch(entry, world.now + 11) == 1.0


def test_names_that_go_by_sweep_are_slowed_down_too() -> None:
    """Each by its kind of window, those outside of one not at all."""
    world = slow(dns_com=(0.25, None))
    rooms = world.core.rooms
    board.widths["com"] = 2
    windows(world, "com", 60, NARROW, close=False)
    windows(world, "com", 450, WIDE, close=False)
    bounds = np.array([NARROW, WIDE, (NOW + 9 * DAY, NOW + 10 * DAY), (np.nan, np.nan)]) + (world.now - NOW)
    found = board.window_pace.stretch_many(np.arange(4), bounds[:, 0], bounds[:, 1], world.now)
    assert isinstance(found, np.ndarray)

    assert found[:2].tolist() == pytest.approx([4.0, 4.0], rel=0.01)
    assert board.window_pace.stretch_many(np.arange(2), bounds[2:, 0], bounds[2:, 1], world.now) == 1.0


def test_a_sweep_leaves_names_in_wide_windows_their_slower_pace() -> None:
    """Four hundred and fifty of them at one question a second: a quarter of that is half of what they ask for."""
    world = World(interval=3600.0, limits={**FREE, "dns/com": Limit("x", 1.0, 100, None)})
    world.watch(*[f"n{number}.com" for number in range(450)])
    world.run(1500)
    table, rows = world.core.rooms.domains.table, np.arange(450)
    table.earliest[rows], table.latest[rows] = np.array(WIDE) + (world.now - NOW)
    table.schedule.set_times(rows, np.full(450, world.now), np.zeros(450, np.bool_))
    begun = world.now
    world.run(700)
    swept = rows[(table.dns_at[rows] > begun) & np.isfinite(table.schedule.times_of(rows))]
    waits = table.schedule.times_of(swept) - table.dns_at[swept]

    assert len(swept) > 400
    assert waits.min() >= 0.75 * 1800
    assert waits.max() <= 1.25 * 1800


@pytest.mark.parametrize(("window", "news"), [(NARROW, True), (WIDE, False), ((NOW - 29 * DAY, NOW + DAY), True)])
def test_a_name_in_a_wide_window_is_no_news(window: tuple[float, float], news: bool) -> None:
    """It waits for its visit like the others, until its last day."""
    world = slow()
    rooms = world.core.rooms
    rows = windows(world, "com", 1, window)
    rooms.domains.table.schedule.set_time(int(rows[0]), world.now, priority=False)
    board.due.move_on(world.now)

    assert (len(rooms.starts.admission._news), rooms.starts.admission.planned_count()) == ((1, 0) if news else (0, 1))


def test_thirty_names_in_redemption_leave_their_registry_room_for_the_others() -> None:
    """On which day of a month they go is not known: they take a small part of its budget, and other records are renewed."""
    world = World(interval=3600.0, limits={**FREE, "rdap/rdap.com.test": Limit("x", 0.5, 2, None)})
    gone, others = [f"gone{number}.com" for number in range(30)], [f"n{number}.com" for number in range(800)]
    world.names.update({domain: Name([(0.0, Phase.REDEMPTION)]) for domain in gone})
    world.watch(*gone, *others)
    world.run(2 * HOUR)
    begun, polled = world.now - HOUR, set(gone)
    asked = [domain for at, method, domain in world.asked if method == "rdap" and at > begun and domain in polled]

    assert 30 <= len(asked) <= 0.1 * 0.5 * HOUR
    assert len({domain for _, method, domain in world.asked if method == "rdap"} - polled) > 790


def test_sixty_names_about_to_drop_take_half_of_their_registrys_budget() -> None:
    """All of them are polled; what is left is for canaries, confirmations and the other names."""
    world = World(interval=3600.0, limits={**FREE, "rdap/rdap.com.test": Limit("x", 0.5, 2, None)})
    gone = [f"gone{number}.com" for number in range(60)]
    dying = [(0.0, Phase.REDEMPTION), (world.now + HOUR, Phase.PENDING_DELETE)]
    world.names.update({domain: Name(list(dying)) for domain in gone})
    world.watch(*gone)
    world.run(2.5 * HOUR)
    later = world.now // DAY * DAY + 5 * DAY + 17.5 * HOUR - world.now
    world._queue = [(at + later, order, act) for at, order, act in world._queue]
    world.now += later
    world.run(HOUR)
    begun = world.now
    world.run(HOUR)
    asked = [domain for at, method, domain in world.asked if method == "rdap" and at > begun]

    assert set(asked) >= set(gone)
    assert 0.4 * 0.5 * HOUR < len(asked) < 0.6 * 0.5 * HOUR
