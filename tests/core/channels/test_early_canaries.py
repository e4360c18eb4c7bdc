"""Which canaries are asked before they are needed, and what keeps them from being asked."""

from __future__ import annotations

import pytest

from common.core.coordinator.wiring import Rooms
from common.core.model.channel import ChannelKey, Probe
from common.core.model.entry import Entry, Rank
from common.core.model.evidence import Observation, Outcome, Phase, Reading
from common.core.model.limit import Limit
from common.core.model.query import Query
from common.core.rate_limits.query_queue import MOST_ROUTINE
from common.core.trust.early_canaries import (
    KEEP_COST,
    KEEP_WINDOW,
    PROBE_DOUBTED_EVERY,
    PROBE_EVERY,
    PROBE_SHARE,
    PROBE_SILENT_EVERY,
    WINDOW_MARGIN,
)
from common.core.trust.server_trust import GREEN, QUARANTINE
from tests.sim.dead_channels import Dead
from tests.sim.lives import Life
from tests.sim.registry_world import RegistryWorld
from tests.sim.suffix_models import DAY, SuffixModel
from tests.sim.world import START

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

RDAP: ChannelKey = ("rdap", "rdap.com.test", "com")
WHOIS: ChannelKey = ("whois", "whois.com.test", "com")
OPENS, CLOSES = START + 1000.0, START + 4600.0
INSIDE = START + 2000.0
COM = SuffixModel("com")


def board_of(*models: SuffixModel, limits: dict[str, Limit] | None = None, real: bool = False) -> Rooms:
    """The board of a coordinator that watches a name of each suffix, with a worker for each method."""
    world = RegistryWorld(models or [COM], limits=limits, real=real)
    for model in models or [COM]:
        world.live(f"held.{model.suffix}", Life())
    return world.core.rooms


def dropping(passes: tuple[float, ...] = ()) -> Entry:
    """A name with a drop window of an hour."""
    entry = Entry("gone.com", "com", "gone", drop=(OPENS, START + 2800.0, CLOSES, 0.9))
    entry.detail.passes = passes
    return entry


def waiting(rooms: Rooms) -> list[Query]:
    """The canaries in the lines of the registry's operators, by method; the known name of a server before the random one."""
    asks = [ask for line in rooms.rate_limits.queue._queues.values() for ask in line.all_queries() if ask.probe is not None]
    return sorted((ask for ask in asks if ask.method != "dns"), key=lambda ask: (ask.method, not ask.probe.registered))


def methods(rooms: Rooms) -> list[str]:
    """The methods of these canaries."""
    return [ask.method for ask in waiting(rooms)]


def verify(rooms: Rooms, key: ChannelKey, at: float) -> None:
    """Both canaries of a server were right."""
    row = rooms.trust.row_of(key)
    row.registered_ok = row.free_ok = at


def caught(rooms: Rooms, key: ChannelKey, at: float) -> None:
    """A server that found its canary once denies it."""
    for outcome, moment in ((Outcome.REGISTERED, at - 1.0), (Outcome.UNREGISTERED, at)):
        observation = Observation(key[0], Reading(outcome, "", "an answer"), server=key[1])
        rooms.trust.note_answer(Probe(key, "known.com", registered=True), observation, moment)


# -- inside a drop window ------------------------------------------------------------------------------------------------


def test_inside_a_drop_window_both_canaries_of_each_registry_server_are_asked() -> None:
    """At once and before everything else: at the drop a canary costs seconds."""
    rooms = board_of()
    rooms.early_canaries.keep_verified(dropping(), INSIDE)
    asks = waiting(rooms)

    assert [(ask.method, ask.probe.registered) for ask in asks if ask.probe] == [
        ("rdap", True),
        ("rdap", False),
        ("whois", True),
        ("whois", False),
    ]
    assert {ask.rank for ask in asks} == {Rank.URGENT}
    assert asks[0].domain == "known.com"


@pytest.mark.parametrize(
    ("now", "asked"),
    [
        (OPENS - WINDOW_MARGIN - 1.0, False),
        (OPENS - WINDOW_MARGIN, True),
        (CLOSES + WINDOW_MARGIN, True),
        (CLOSES + WINDOW_MARGIN + 1.0, False),
    ],
)
def test_canaries_are_kept_verified_from_five_minutes_before_a_window_to_five_after(now: float, asked: bool) -> None:
    """Questions at other times would be in vain."""
    rooms = board_of()
    rooms.early_canaries.keep_verified(dropping(), now)

    assert bool(waiting(rooms)) is asked


def test_a_name_without_a_forecast_keeps_no_server_verified() -> None:
    """Nothing says that it may drop."""
    rooms = board_of()
    rooms.early_canaries.keep_verified(Entry("gone.com", "com", "gone"), INSIDE)

    assert waiting(rooms) == []


def test_a_name_in_the_middle_of_its_passes_asks_for_the_canaries_it_needs_itself() -> None:
    """Two sets of the same questions would only replace each other."""
    rooms = board_of()
    rooms.early_canaries.keep_verified(dropping(passes=(INSIDE - 2.0,)), INSIDE)

    assert waiting(rooms) == []


def test_a_server_that_is_verified_is_asked_again_before_that_is_over() -> None:
    """At three quarters of the time for which it stays green."""
    rooms = board_of()
    for key in (RDAP, WHOIS):
        verify(rooms, key, INSIDE)
    rooms.early_canaries.keep_verified(dropping(), INSIDE + KEEP_WINDOW)
    assert waiting(rooms) == []

    rooms.early_canaries.keep_verified(dropping(), INSIDE + KEEP_WINDOW + 1.0)
    assert methods(rooms) == ["rdap", "rdap", "whois", "whois"]
    assert KEEP_WINDOW < GREEN


def test_a_server_is_not_asked_twice_at_the_same_time() -> None:
    """Canaries on their way are enough, for however many names in their windows."""
    rooms = board_of()
    rooms.early_canaries.keep_verified(dropping(), INSIDE)
    rooms.early_canaries.keep_verified(dropping(), INSIDE + 1.0)

    assert methods(rooms) == ["rdap", "rdap", "whois", "whois"]
    assert rooms.canaries._on_way[RDAP] == rooms.canaries._on_way[WHOIS] == 2


@pytest.mark.parametrize(("rate", "asked"), [(KEEP_COST / KEEP_WINDOW * 1.01, True), (KEEP_COST / KEEP_WINDOW * 0.99, False)])
def test_a_server_that_can_be_asked_seldom_is_left_alone(rate: float, asked: bool) -> None:
    """Its questions are worth more as answers."""
    rooms = board_of(limits={"whois/*": Limit("whois/*", rate, 1), "*": Limit("*", 1000.0, 1000)})
    rooms.early_canaries.keep_verified(dropping(), INSIDE)

    assert ("whois" in methods(rooms)) is asked
    assert "rdap" in methods(rooms)


def test_a_server_in_quarantine_and_a_dead_one_are_not_kept_verified() -> None:
    """Nothing would be waited for from either of them."""
    rooms = board_of()
    caught(rooms, RDAP, INSIDE)
    for moment in (0.0, 30.0, 60.0):
        rooms.channels.healths.note_outcome(WHOIS, Outcome.UNKNOWN, "no answer", INSIDE + moment)
    rooms.early_canaries.keep_verified(dropping(), INSIDE + 60.0)

    assert waiting(rooms) == []


def test_canaries_asked_beforehand_are_counted_by_method() -> None:
    """What they cost can be seen."""
    rooms = board_of()
    rooms.early_canaries.keep_verified(dropping(), INSIDE)
    counted = {
        labels["method"]: n
        for name, labels, n in rooms.telemetry.metrics.snapshot()["counters"]
        if name == "canaries_beforehand"
    }

    assert counted == {"rdap": 2, "whois": 2}


def test_a_visit_in_the_window_keeps_the_servers_verified() -> None:
    """So that a drop finds them green, days after a name last needed them."""
    world = RegistryWorld([COM], interval=3600.0)
    world.live("gone.com", Life([(0.0, Phase.ACTIVE), (START, Phase.PENDING_DELETE)]))
    world.run_until(lambda: world.entry("gone.com").in_window(world.now, margin=0.0), START + 8 * DAY, 600.0)
    world.run(900)
    rooms = world.core.rooms

    assert world.now > START + 3 * DAY
    assert world.state("gone.com") == "PENDING_DELETE"
    assert rooms.trust.is_verified(RDAP, world.now)
    assert rooms.trust.is_verified(WHOIS, world.now)


# -- whether a channel still speaks --------------------------------------------------------------------------------------


def test_a_channel_that_was_not_heard_for_six_hours_is_asked_about_a_known_name() -> None:
    """One question, behind everybody else's."""
    rooms = board_of()
    for key in (RDAP, WHOIS):
        rooms.channels.healths.note_outcome(key, Outcome.REGISTERED, "found", START)
    rooms.early_canaries.probe_channels(rooms.domains.table.suffixes, START + PROBE_EVERY - 1.0)
    assert waiting(rooms) == []

    rooms.early_canaries.probe_channels(rooms.domains.table.suffixes, START + PROBE_EVERY)
    assert [(ask.method, ask.domain, ask.rank) for ask in waiting(rooms)] == [
        ("rdap", "known.com", Rank.BACKGROUND),
        ("whois", "known.com", Rank.BACKGROUND),
    ]


def test_a_channel_that_was_never_heard_is_asked_at_once() -> None:
    """Whether it speaks has to be known before a drop."""
    rooms = board_of()
    rooms.early_canaries.probe_channels(rooms.domains.table.suffixes, START)

    assert methods(rooms) == ["rdap", "whois"]


def test_a_channel_that_fell_silent_is_asked_again_soon() -> None:
    """Within minutes it is known to be dead, or to speak. Its neighbour that speaks is not asked."""
    rooms = board_of()
    rooms.channels.healths.note_outcome(RDAP, Outcome.REGISTERED, "found", START)
    rooms.channels.healths.note_outcome(WHOIS, Outcome.UNKNOWN, "no answer", START)
    rooms.early_canaries.probe_channels(rooms.domains.table.suffixes, START + PROBE_DOUBTED_EVERY - 1.0)
    assert waiting(rooms) == []

    rooms.early_canaries.probe_channels(rooms.domains.table.suffixes, START + PROBE_DOUBTED_EVERY)
    assert methods(rooms) == ["whois"]


def test_a_dead_channel_is_asked_every_quarter_of_an_hour() -> None:
    """Its return shall not be missed for long."""
    rooms = board_of()
    rooms.channels.healths.note_outcome(RDAP, Outcome.REGISTERED, "found", START)
    for moment in (-90.0, -30.0, 0.0):
        rooms.channels.healths.note_outcome(WHOIS, Outcome.UNKNOWN, "no answer", START + moment)
    rooms.early_canaries.probe_channels(rooms.domains.table.suffixes, START + PROBE_SILENT_EVERY - 1.0)
    assert waiting(rooms) == []

    rooms.early_canaries.probe_channels(rooms.domains.table.suffixes, START + PROBE_SILENT_EVERY)
    assert methods(rooms) == ["whois"]


def test_a_dead_channel_is_found_out_within_minutes_of_a_start() -> None:
    """No name asks for it, and its first question takes its whole time limit."""
    dead = {"com": [Dead("whois", "silence", START, float("inf"))]}
    world = RegistryWorld([COM], dead=dead, interval=3600.0)
    world.live("held.com", Life())
    world.run(300)

    assert world.core.rooms.channels.is_known_dead(WHOIS, world.now)


def test_a_channel_is_not_asked_again_while_its_canary_is_on_the_way() -> None:
    """However often one looks."""
    rooms = board_of()
    rooms.early_canaries.probe_channels(rooms.domains.table.suffixes, START)
    rooms.early_canaries.probe_channels(rooms.domains.table.suffixes, START + PROBE_EVERY)

    assert methods(rooms) == ["rdap", "whois"]


def test_a_server_in_quarantine_is_left_alone() -> None:
    """What it says counts for nothing until that is over."""
    rooms = board_of()
    caught(rooms, RDAP, START)
    rooms.early_canaries.probe_channels(rooms.domains.table.suffixes, START + QUARANTINE - 1.0)

    assert methods(rooms) == ["whois"]


def test_a_server_that_lied_is_asked_about_both_canaries() -> None:
    """A quarter of an hour after it was last heard: it stays out until it was right about both."""
    rooms = board_of()
    caught(rooms, RDAP, START)
    for key in (RDAP, WHOIS):
        rooms.channels.healths.note_outcome(key, Outcome.UNREGISTERED, "not found", START)
    rooms.early_canaries.probe_channels(rooms.domains.table.suffixes, START + PROBE_SILENT_EVERY - 1.0)
    assert waiting(rooms) == []

    rooms.early_canaries.probe_channels(rooms.domains.table.suffixes, START + PROBE_SILENT_EVERY)
    assert [(ask.method, ask.probe.registered) for ask in waiting(rooms) if ask.probe] == [("rdap", True), ("rdap", False)]


def test_a_server_that_lied_is_back_soon_although_no_name_needs_it() -> None:
    """A drop may be days away, and shall find both servers."""
    world = RegistryWorld([COM], interval=600.0)
    world.live("held.com", Life())
    world.run(60)
    caught(world.core.rooms, RDAP, world.now)
    world.run(QUARANTINE + 60.0)
    assert world.core.rooms.trust.is_distrusted(RDAP, world.now)

    world.run(PROBE_SILENT_EVERY)
    assert not world.core.rooms.trust.is_distrusted(RDAP, world.now)


def test_an_operator_gives_a_twentieth_of_its_questions() -> None:
    """One server speaks for two suffixes: the second is asked when that share allows it."""
    rooms = board_of(SuffixModel("com"), SuffixModel("net"), real=True, limits={})
    limit = rooms.registries.limit_of("whois", "whois.verisign-grs.com", "com")
    later = START + 1.0 / (PROBE_SHARE * limit.rate)
    for moment in (START, later - 1.0):
        rooms.early_canaries.probe_channels(rooms.domains.table.suffixes, moment)
    assert [ask.suffix for ask in waiting(rooms) if ask.method == "whois"] == ["com"]

    rooms.early_canaries.probe_channels(rooms.domains.table.suffixes, later)
    assert [ask.suffix for ask in waiting(rooms) if ask.method == "whois"] == ["com", "net"]


def test_two_canaries_count_as_two_questions_of_that_share() -> None:
    """Those of a server that lied."""
    rooms = board_of(SuffixModel("com"), SuffixModel("net"), real=True, limits={})
    limit = rooms.registries.limit_of("whois", "whois.verisign-grs.com", "com")
    caught(rooms, ("whois", "whois.verisign-grs.com", "com"), START - QUARANTINE)
    share = 1.0 / (PROBE_SHARE * limit.rate)
    for moment in (START, START + 2 * share - 1.0):
        rooms.early_canaries.probe_channels(rooms.domains.table.suffixes, moment)
    assert [ask.suffix for ask in waiting(rooms) if ask.method == "whois"] == ["com", "com"]

    rooms.early_canaries.probe_channels(rooms.domains.table.suffixes, START + 2 * share)
    assert sorted(ask.suffix for ask in waiting(rooms) if ask.method == "whois") == ["com", "com", "net"]


def test_a_day_quota_bounds_the_share_too() -> None:
    """Of 864 questions a day, one every hundred seconds, a twentieth is one in two thousand seconds."""
    suffixes = [SuffixModel("com"), SuffixModel("net")]
    rooms = board_of(*suffixes, real=True, limits={"*": Limit("*", 10.0, 10, 864)})
    for moment in (START, START + 1999.0):
        rooms.early_canaries.probe_channels(rooms.domains.table.suffixes, moment)
    assert [ask.suffix for ask in waiting(rooms) if ask.method == "whois"] == ["com"]

    rooms.early_canaries.probe_channels(rooms.domains.table.suffixes, START + 2000.0)
    assert [ask.suffix for ask in waiting(rooms) if ask.method == "whois"] == ["com", "net"]


def test_a_line_without_room_is_not_made_longer() -> None:
    """Names that wait for their record go first; when the line is shorter again the channel is asked."""
    rooms = board_of(limits={"*": Limit("*", 0.5, 1)})
    limit = rooms.registries.limit_of("whois", "whois.com.test", "com")
    names = iter(range(10_000))
    while rooms.rate_limits.queue.room_for_queries(limit, Rank.BACKGROUND):
        name = f"n{next(names)}.com"
        rooms.rate_limits.queue.add_query(
            Query("whois", "deep", name, "com", "whois.com.test", limit, Rank.BACKGROUND, START, 20.0)
        )
    rooms.early_canaries.probe_channels(rooms.domains.table.suffixes, START)
    assert methods(rooms) == ["rdap"]

    rooms.rate_limits.queue.take_operator(limit.operator)
    rooms.early_canaries.probe_channels(rooms.domains.table.suffixes, START + 1.0)
    assert methods(rooms) == ["rdap", "whois"]


def test_no_channel_is_asked_while_all_lines_together_are_full() -> None:
    """Each question that waits keeps memory, whichever line it is in."""
    rooms = board_of()
    quick = Limit("whois/quick", 1000.0, 1)
    for number in range(MOST_ROUTINE):
        rooms.rate_limits.queue.add_query(
            Query("whois", "deep", f"n{number}.org", "org", "quick", quick, Rank.BACKGROUND, START, 20.0)
        )
    rooms.early_canaries.probe_channels(rooms.domains.table.suffixes, START)

    assert methods(rooms) == []


def test_an_operator_that_keeps_us_out_is_not_asked() -> None:
    """The question would only be turned away."""
    rooms = board_of()
    limit = rooms.registries.limit_of("whois", "whois.com.test", "com")
    rooms.rate_limits.budgets._bucket_now(limit, "default", START).limited_until = START + 3600.0
    rooms.early_canaries.probe_channels(rooms.domains.table.suffixes, START)

    assert methods(rooms) == ["rdap"]


def test_a_channel_that_no_worker_can_ask_is_left_alone() -> None:
    """Its silence would be ours."""
    world = RegistryWorld([COM])
    world.live("held.com", Life())
    worker = world.workers["deep-0@sim"]
    world.core.rooms.workers.drop_left(worker.name, worker.boot)
    world.core.rooms.early_canaries.probe_channels(world.core.rooms.domains.table.suffixes, START + 60.0)

    assert methods(world.core.rooms) == ["rdap"]
