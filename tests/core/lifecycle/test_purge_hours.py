"""The hours of purges are learned from looks that lie hours apart, kept wide enough, and followed where they move."""

from __future__ import annotations

from random import Random

import pytest

from common.core.lifecycle.purge_hours import (
    DAY,
    ENOUGH,
    MOVED,
    NEWEST,
    ONE_IN,
    SHARP,
    LearnedHours,
    Purge,
    have_moved,
    learn_hours,
)

MIDNIGHT = 1_789_948_800  # 2026-09-21T00:00:00Z
HOUR, MINUTE = 3600, 60


def purges(*hours: float, width: int = 600) -> list[Purge]:
    """One purge a day in the middle of a time that is known to `width` seconds, at these hours of the day."""
    return [Purge(round(MIDNIGHT + day * DAY + hour * HOUR + width / 2), width) for day, hour in enumerate(hours)]


def watched(rng: Random, hour: float, minutes: float, width: int, count: int) -> list[Purge]:
    """Purges of a batch of so many minutes, each between two looks that lie `width` seconds apart by chance."""
    found = []
    for day in range(count):
        at = MIDNIGHT + day * DAY + hour * HOUR + rng.uniform(0, minutes * MINUTE)
        found.append(Purge(int(at + rng.uniform(0, width)), width))
    return found


def is_inside(learned: LearnedHours | None, hour: float) -> bool:
    """Whether an hour of the day lies in what was learned."""
    assert learned is not None
    start, end = learned.window
    return (hour * 60 - start) % 1440 <= end - start


@pytest.mark.parametrize(
    ("hours", "learned"),
    [
        ((19.1,) * (ENOUGH - 1), None),
        # 19:01 to 19:11, a quarter of an hour and 600 s / sqrt(5) on both sides
        ((19.1,) * ENOUGH, LearnedHours((18 * 60 + 40, 19 * 60 + 35), 5)),
        # 19:11 to 20:01; besides that an hour of which five purges leave a quarter open
        ((19.1, 19.3, 19.6, 19.4, 20.1), LearnedHours((18 * 60 + 35, 20 * 60 + 35), 5)),
        ((23.9, 23.95, 0.05, 0.1, 23.9), LearnedHours((23 * 60 + 35, 24 * 60 + 25), 5)),  # over midnight
        ((0.2,) * 5, LearnedHours((-15, 40), 5)),  # the margin alone, before the day of the purges
        ((0.1, 6.0, 12.0, 18.0, 21.0), None),  # at any time of the day
    ],
)
def test_hours_are_learned_from_enough_purges_with_a_margin(hours: tuple[float, ...], learned: LearnedHours | None) -> None:
    """The smallest span that has a moment of each, on a grid of five minutes."""
    assert learn_hours(purges(*hours)) == learned


def test_looks_that_lie_hours_apart_teach_what_they_have_in_common() -> None:
    """Between 16 and 20, and between 18 and 22, is between 18 and 20; so few of them leave much open on both sides."""
    seen = purges(18, 20, 18, 20, 19, width=4 * HOUR)
    margin = 15 + 240 / 5**0.5

    found = learn_hours(seen)
    assert found is not None
    assert found.window[0] == pytest.approx(18 * 60 - margin, abs=5)
    assert found.window[1] == pytest.approx(20 * 60 + margin, abs=5)


def test_purges_that_are_known_too_roughly_do_not_count_as_enough() -> None:
    """They may widen what others say."""
    rough, close = purges(*[17.0, 21.0] * 5, width=int(SHARP) + 1), purges(*[17.0, 21.0] * ENOUGH, width=int(SHARP))
    assert learn_hours(rough) is None
    assert learn_hours([*close[: ENOUGH - 1], *rough]) is None
    assert learn_hours([*close[:ENOUGH], *rough]) is not None


def test_what_falls_outside_widens_the_hours_until_later_purges_agree() -> None:
    """Then one in ten may be otherwise."""
    usual = [19.1] * 20
    narrow = learn_hours(purges(*usual))
    wide = learn_hours(purges(*usual, 21.0))
    assert narrow is not None
    assert wide is not None
    assert is_inside(wide, 19.1)
    assert is_inside(wide, 21.0)
    assert not is_inside(narrow, 21.0)
    assert learn_hours(purges(*usual, 7.0)) is None  # too wide to say something
    assert is_inside(learn_hours(purges(*usual, 21.0, *usual[: NEWEST - 1])), 21.0)
    assert not is_inside(learn_hours(purges(*usual, 21.0, *usual[:NEWEST])), 21.0)
    assert is_inside(learn_hours(purges(*[21.0] * 3, *usual)), 21.0)
    assert not is_inside(learn_hours(purges(*[21.0] * 2, *usual)), 21.0)
    assert is_inside(learn_hours(purges(21.0, *usual[: ONE_IN - 2])), 21.0)  # of few none may be otherwise


def test_the_edges_of_a_batch_are_not_left_out() -> None:
    """Only what lies more than twice as far off as nine of ten purges, and a quarter of an hour."""
    batch = [19.0, 19.5, 19.0, 19.5, 19.0, 19.5, 19.0, 19.5, 19.0]
    for hour, inside in ((19.9, True), (21.5, False)):
        assert is_inside(learn_hours(purges(hour, *batch)), hour) is inside


def test_hours_are_placed_by_the_middle_of_what_most_purges_have_in_common() -> None:
    """On the day of that, where they reach over midnight."""
    assert learn_hours(purges(*[24.1] * ENOUGH, width=2 * HOUR)) == learn_hours(purges(*[0.1] * ENOUGH, width=2 * HOUR))
    learned = learn_hours(purges(*[0.1] * ENOUGH, width=2 * HOUR))
    assert learned is not None
    assert learned.window[0] < 0 < learned.window[1] < 1440


def test_purges_left_out_do_not_count_as_enough() -> None:
    """What is known closely has to be among those that agree."""
    rough = purges(*[17.0, 21.0] * 5, width=int(SHARP) + 1)
    closely = purges(5.0, *[19.0] * (ENOUGH - 1))

    assert learn_hours([*closely, *rough]) is None
    assert learn_hours([*closely, *closely[1:2], *rough]) is not None


@pytest.mark.parametrize(("hour", "minutes"), [(19.0, 60), (23.7, 40), (4.0, 1)])
@pytest.mark.parametrize("width", [10 * MINUTE, HOUR, 4 * HOUR])
def test_a_batch_lies_in_what_was_learned_of_it_and_more_purges_say_more(hour: float, minutes: float, width: int) -> None:
    """Of a hundred worlds: nearly all of the batch after five, all but its edges after thirty; rough looks make do."""
    inside, lengths = {5: 0.0, 30: 0.0}, {5: 0.0, 30: 0.0}
    for seed in range(100):
        seen = watched(Random(seed), hour, minutes, width, 30)
        for count in inside:
            found = learn_hours(seen[:count])
            assert found is not None
            places = [hour + minutes / 60 * part / 10 for part in range(11)]
            inside[count] += sum(is_inside(found, place) for place in places) / len(places) / 100
            lengths[count] += (found.window[1] - found.window[0]) / 100

    assert inside[5] >= 0.95
    assert inside[30] >= 0.98
    assert lengths[30] < lengths[5] + 5
    assert width < HOUR or lengths[30] < 0.9 * lengths[5]


def test_a_registry_that_deletes_at_any_time_has_no_hours() -> None:
    """Of a hundred worlds hardly one shows hours by chance."""
    found = [learn_hours(watched(Random(seed), 0.0, 1440, HOUR, count)) for seed in range(100) for count in (5, 10, 30)]

    assert sum(one is not None for one in found[0::3]) <= 5
    assert [one for one in (*found[1::3], *found[2::3]) if one] == []


def test_a_registry_has_moved_once_its_newest_purges_share_other_hours() -> None:
    """Not after fewer, nor where the hours meet, nor where there were none before."""
    old, new = [19.1] * 12, [5.2] * MOVED
    assert have_moved(purges(*old, *new))
    assert not have_moved(purges(*old, *new[1:]))
    assert not have_moved(purges(*[19.1] * (ENOUGH - 1), *new))
    assert not have_moved(purges(*new))
    assert not have_moved(purges(*old, *[19.2] * MOVED))
    assert have_moved(purges(*old, *[19.3] * MOVED))  # ten minutes before 19:10, and after it
    assert not have_moved(purges(*old, *[19.05, 19.3] * 3, 19.3))
    assert have_moved(purges(*old, *[4.0, 8.0] * 3, 4.0))
    assert not have_moved(purges(*old, *[4.0, 8.3] * 3, 4.0))  # that says little
    assert have_moved(purges(*[0.1] * 12, *[23.5] * MOVED))
    assert not have_moved(purges(*[0.1] * 12, *[23.5, 0.1] * 3, 23.5))
    assert not have_moved(purges(*[0.1, 23.9] * 6, *[23.95] * MOVED))


def test_a_purge_is_known_from_when_its_name_was_last_seen() -> None:
    """Its width before it was found gone."""
    assert Purge(1000, 300).after == 700
