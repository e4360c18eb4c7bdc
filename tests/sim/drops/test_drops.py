"""The simulation of drops: its registries and loops do what they say, and the product holds its bounds on a small run."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import inf

import pytest

from common.core.model.evidence import Outcome, Phase
from tests.sim.drops.__main__ import find_recorded
from tests.sim.drops.bounds import Bound, check_bounds
from tests.sim.drops.families import BEGIN, DAY, FAMILIES, HOUR, make_stories
from tests.sim.drops.figures import Figures, measure_outcome
from tests.sim.drops.lists import Listed, read_list
from tests.sim.drops.outcomes import collect_outcome
from tests.sim.drops.pace import MOST_COMPLAINTS, MOST_MINUTES, ask_zone
from tests.sim.drops.peers import run_expiry, run_fixed
from tests.sim.drops.pictures import draw_runs
from tests.sim.drops.registry import BAN, BURST, PATIENCE, SLACK, Registry, make_registry
from tests.sim.drops.runs import SKEW, WORK, _divide, make_registries, run_product
from tests.sim.drops.stories import Record, Story
from tests.sim.drops.table import write_table
from tests.sim.drops.world import DropWorld

#: The small run, as `recorded.json` has it of the product as it was.
SUFFIXES, SIZE = ["com"], (300, 30, 1)
#: The bounds that are held on it, and those that are not yet: a bound that is reached moves up.
HELD = {
    *("median, fixed interval", "median, expiry rules", "p99, fixed interval", "p99, expiry rules"),
    *("drops of a day", "false alarms", "budgets", "calm names"),
}
OPEN = {"drops of a minute"}

#: Drives a simulated world, but for the quick tests at its end.
simulation = pytest.mark.simulation


@pytest.fixture(scope="module")
def product() -> Figures:
    """What the product does in the small run: 90 names of one registry, of which 18 drop."""
    return measure_outcome(run_product(SUFFIXES, *SIZE))


def bounds_of(product: Figures) -> list[Bound]:
    """Every bound of the small run."""
    return check_bounds(product, measure_outcome(run_fixed(SUFFIXES, *SIZE)), measure_outcome(run_expiry(SUFFIXES, *SIZE)))


@simulation
@pytest.mark.timeout(600)  # the run is made here
def test_the_bounds_that_were_reached_are_held(product: Figures) -> None:
    """Each by its name; every further one is known to be open."""
    bounds = {bound.name: bound for bound in bounds_of(product)}

    assert [str(bounds[name]) for name in HELD if not bounds[name].held] == []
    assert set(bounds) == HELD | OPEN


@simulation
@pytest.mark.timeout(600)
def test_drops_are_told_no_later_than_before(product: Figures) -> None:
    """Against the recorded run of the product as it was: half of them, and nine of ten."""
    before = find_recorded(SUFFIXES, *SIZE)

    assert before is not None
    assert product.drops == len(before.drops)
    median, nine_of_ten, _ = measure_outcome(before).told
    assert product.told[0] < median
    assert product.told[1] < nine_of_ten


@simulation
@pytest.mark.parametrize("welcome", [2.3, 3.0, 4.2])
def test_a_strict_zone_complains_once_a_day_at_most(welcome: float) -> None:
    """The pace that is learned does not try again and again what was refused."""
    complaints = ask_zone(welcome, 10**9, DAY).complaints

    assert 1 <= max(complaints) <= MOST_COMPLAINTS


@simulation
def test_a_generous_zone_is_looked_at_in_forty_minutes() -> None:
    """A million names under a zone that welcomes 50 a second and address."""
    assert ask_zone(50.0, 1_000_000).seconds <= MOST_MINUTES * 60


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.suffix)
def test_a_fifth_drops_and_a_seventh_is_restored(family: object) -> None:
    """The same names with every start, whatever else is simulated."""
    chosen = next(one for one in FAMILIES if one is family)
    stories = make_stories(chosen, 200, 30, 1, 0.0)
    kinds = Counter(story.kind for story in stories)

    assert (kinds["drops"], kinds["restored"]) == (40, 30)
    assert [story.purge for story in stories] == [story.purge for story in make_stories(chosen, 200, 30, 1, 0.0)]
    assert all(BEGIN < story.purge <= story.freed <= story.caught for story in stories if story.kind == "drops")
    assert all(story.records == sorted(story.records, key=lambda record: record.at) for story in stories)


def test_com_drops_in_the_order_of_the_last_change_from_seven_in_the_evening() -> None:
    """The batch takes an hour."""
    drops = [story for story in make_stories(FAMILIES[0], 500, 30, 1, 0.0) if story.kind == "drops"]
    begun = {story.name: max(record.updated or 0.0 for record in story.records if record.at < story.purge) for story in drops}
    ordered = sorted(drops, key=lambda story: (story.purge // DAY, begun[story.name] % DAY))

    assert all(19 * HOUR <= story.purge % DAY <= 20 * HOUR for story in drops)
    assert ordered == sorted(drops, key=lambda story: story.purge)


def test_the_clock_of_the_service_may_be_ahead() -> None:
    """Everything happens so much later by our clock; dates in records stay."""
    there, here = (make_stories(FAMILIES[0], 50, 30, 1, skew) for skew in (0.0, 2.5))

    assert {round(ours.purge - theirs.purge, 6) for theirs, ours in zip(there, here, strict=True) if theirs.purge < inf} == {
        2.5
    }
    assert here[0].records[-1].updated == there[0].records[-1].updated


def registry_of(per_day: int) -> Registry:
    """One that knows a name which is purged after a day."""
    records = [Record(0.0, Phase.PENDING_DELETE, BEGIN), Record(BEGIN + DAY, None, free=True)]
    story = Story("a.com", "com", "drops", records, BEGIN + DAY, BEGIN + DAY)
    return replace(make_registry("com", [story], 30, 1), per_day=per_day, outages=())


def test_questions_above_the_rate_are_answered_429_and_repeated_ones_banned() -> None:
    """For an hour, in which nothing is answered."""
    registry = registry_of(100)
    said = [registry.answer("rdap", "a.com", BEGIN) for _ in range(BURST + SLACK + PATIENCE + 1)]

    assert [one.status for one in said] == [None] * (BURST + SLACK) + [429] * (PATIENCE - 1) + [403, 403]
    assert (registry.over, registry.bans) == (PATIENCE, 1)
    assert registry.answer("rdap", "a.com", BEGIN + BAN - 1.0).refused
    assert registry.answer("rdap", "a.com", BEGIN + BAN).reading.phase is Phase.PENDING_DELETE


def test_the_quota_of_a_day_holds_for_all_channels_together() -> None:
    """It begins anew at midnight UTC."""
    registry = registry_of(2)
    said = [registry.answer(method, "a.com", BEGIN + 60.0).reading.outcome for method in ("rdap", "whois", "rdap")]

    assert said == [Outcome.REGISTERED, Outcome.REGISTERED, Outcome.THROTTLED]
    assert (registry.over, registry.busiest) == (1, 2)
    assert registry.answer("rdap", "a.com", BEGIN + DAY).reading.outcome is Outcome.UNREGISTERED
    assert registry.first_denied == {"a.com": BEGIN + DAY}


def test_a_registry_that_is_out_of_order_does_not_answer() -> None:
    """It counts what is asked all the same."""
    registry = replace(registry_of(100), outages=((BEGIN, BEGIN + HOUR),))

    assert registry.answer("rdap", "a.com", BEGIN).reading.outcome is Outcome.UNKNOWN
    assert registry.answer("rdap", "a.com", BEGIN + HOUR).reading.outcome is Outcome.REGISTERED
    assert registry.asked["pending_delete"] == 2


@pytest.mark.parametrize("run", [run_fixed, run_expiry])
def test_a_plain_loop_keeps_the_budget_and_is_the_same_each_time(run: object) -> None:
    """One question a name and day."""
    loop = run_fixed if run is run_fixed else run_expiry
    outcome = loop(["com", "io", "de"], 200, 20, 3)

    assert all(one.total <= one.per_day * 20 and one.over == 0 for one in outcome.asked)
    assert outcome == loop(["com", "io", "de"], 200, 20, 3)


@pytest.mark.parametrize(("told", "right"), [(-1.0, False), (0.0, True), (25.0, True), (79.9, True), (80.0, False)])
def test_what_is_told_within_a_minute_of_a_catch_is_right(told: float, *, right: bool) -> None:
    """A verdict rests on answers that are seconds old, and a name may be free for twenty."""
    purge = BEGIN + DAY
    records = [
        Record(0.0, Phase.PENDING_DELETE, BEGIN), Record(purge, None, free=True), Record(purge + 20.0, Phase.ACTIVE),
    ]  # fmt: skip
    story = Story("a.com", "com", "drops", records, purge, purge, purge + 20.0)
    registry = replace(registry_of(100), stories={"a.com": story})

    assert collect_outcome({"com": registry}, [("a.com", purge + told, "available")], 3).false_alarms == ["a.com"] * (not right)


def test_what_is_told_in_a_release_procedure_is_a_false_alarm() -> None:
    """It counts as told from when the name is free on."""
    registries = make_registries(["io"], 300, 30, 1)
    story = next(one for one in registries["io"].stories.values() if one.kind == "drops" and one.freed < BEGIN + 20 * DAY)
    outcome = collect_outcome(registries, [(story.name, story.purge + 1.0, "available")], 30)
    drop = next(one for one in outcome.drops if one.name == story.name)

    assert outcome.false_alarms == [story.name]
    assert drop.told == drop.freed > drop.purge


def test_what_is_published_holds_the_moment_of_the_release() -> None:
    """Where a registry publishes; a name in its auction stands in the list until it is free."""
    registries = make_registries(["uk", "se", "ca", "cz", "com"], 400, 30, 1)

    assert read_list(registries["com"], BEGIN + 10 * DAY) is None
    for suffix in ("uk", "se", "ca", "cz"):
        stories = registries[suffix].stories
        listed = [one for day in range(30) for one in read_list(registries[suffix], BEGIN + day * DAY) or ()]
        moments = [(stories[one.name].freed if suffix == "cz" else stories[one.name].purge, one) for one in listed]
        assert len({one.name for one in listed}) > 1
        assert all(one.earliest - SKEW <= moment <= one.latest + SKEW for moment, one in moments)


class Reading(DropWorld):
    """A world that notes the lists, each with its day."""

    def __init__(self, registries: dict[str, Registry], seed: int) -> None:
        super().__init__(registries, seed)
        self.taken: list[tuple[str, int]] = []

    def take_list(self, suffix: str, listed: tuple[Listed, ...]) -> None:
        """Note it."""
        assert all(isinstance(one, Listed) for one in listed)
        self.taken.append((suffix, int((self.now - BEGIN) // DAY)))


def test_lists_are_renewed_once_a_day() -> None:
    """Each registry that publishes one hands it over."""
    world = Reading(make_registries(["uk", "com"], 20, 30, 1), 1)
    world.watch_all()
    world.run(1.5 * DAY)

    assert world.taken == [("uk", 0), ("uk", 1)]


def test_the_table_and_the_picture_have_every_run() -> None:
    """By the titles given."""
    runs = {"one": run_fixed(["com"], 100, 20, 1), "other": run_expiry(["com"], 100, 20, 1)}

    assert write_table(runs).splitlines()[0].split() == ["one", "other"]
    assert draw_runs(runs, 20).count("<polyline") == 4


def test_two_processes_have_about_as_much_to_do() -> None:
    """By what was measured of each suffix, which every one has."""
    pieces = _divide(list(WORK), 2)
    work = [sum(WORK[suffix] for suffix in piece) for piece in pieces]

    assert sorted(suffix for piece in pieces for suffix in piece) == sorted(family.suffix for family in FAMILIES)
    assert max(work) < 1.1 * min(work)
