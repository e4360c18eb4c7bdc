"""Which canaries are asked before they are needed, and what keeps them from being asked."""

from __future__ import annotations

import pytest

from common.core.coordinator.board import Board
from common.core.model.entry import BACKGROUND, URGENT, Entry
from common.core.model.evidence import Observation, Outcome, Phase, Reading
from common.core.rate_limits.query_queue import MOST_ROUTINE, Ask
from common.core.registries.operators import Limit
from common.core.trust.early_canaries import (
    KEEP_COST,
    KEEP_WINDOW,
    PROBE_DOUBTED_EVERY,
    PROBE_EVERY,
    PROBE_SHARE,
    PROBE_SILENT_EVERY,
    WINDOW_MARGIN,
    keep_verified,
    probe_channels,
)
from common.core.trust.server_trust import GREEN, QUARANTINE, Key, Probe
from tests.sim.dead_channels import Dead
from tests.sim.lives import Life
from tests.sim.registry_world import RegistryWorld
from tests.sim.suffix_models import DAY, SuffixModel
from tests.sim.world import START

RDAP: Key = ("rdap", "rdap.com.test", "com")
WHOIS: Key = ("whois", "whois.com.test", "com")
OPENS, CLOSES = START + 1000.0, START + 4600.0
INSIDE = START + 2000.0
COM = SuffixModel("com")


def board_of(*models: SuffixModel, limits: dict[str, Limit] | None = None, real: bool = False) -> Board:
    """The board of a coordinator that watches a name of each suffix, with a worker for each method."""
    world = RegistryWorld(models or [COM], limits=limits, real=real)
    for model in models or [COM]:
        world.live(f"held.{model.suffix}", Life())
    return world.core.board


def dropping(passes: tuple[float, ...] = ()) -> Entry:
    """A name with a drop window of an hour."""
    entry = Entry("gone.com", "com", "gone", drop=(OPENS, START + 2800.0, CLOSES, 0.9))
    entry.detail.passes = passes
    return entry


def waiting(board: Board) -> list[Ask]:
    """The canaries in the lines of the registry's operators, by method; the known name of a server before the random one."""
    asks = [ask for line in board.queue._lines.values() for ask in line.asks() if ask.probe is not None]
    return sorted((ask for ask in asks if ask.method != "dns"), key=lambda ask: (ask.method, not ask.probe.registered))


def methods(board: Board) -> list[str]:
    """The methods of these canaries."""
    return [ask.method for ask in waiting(board)]


def verify(board: Board, key: Key, at: float) -> None:
    """Both canaries of a server were right."""
    row = board.trust.row(key)
    row.registered_ok = row.free_ok = at


def caught(board: Board, key: Key, at: float) -> None:
    """A server that found its canary once denies it."""
    for outcome, moment in ((Outcome.REGISTERED, at - 1.0), (Outcome.UNREGISTERED, at)):
        observation = Observation(key[0], Reading(outcome, "", "an answer"), server=key[1])
        board.trust.answered(Probe(key, "known.com", registered=True), observation, moment)


# -- inside a drop window ------------------------------------------------------------------------------------------------


def test_inside_a_drop_window_both_canaries_of_each_registry_server_are_asked() -> None:
    """At once and before everything else: at the drop a canary costs seconds."""
    board = board_of()
    keep_verified(board, dropping(), INSIDE)
    asks = waiting(board)

    assert [(ask.method, ask.probe.registered) for ask in asks if ask.probe] == [
        ("rdap", True),
        ("rdap", False),
        ("whois", True),
        ("whois", False),
    ]
    assert {ask.rank for ask in asks} == {URGENT}
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
    board = board_of()
    keep_verified(board, dropping(), now)

    assert bool(waiting(board)) is asked


def test_a_name_without_a_forecast_keeps_no_server_verified() -> None:
    """Nothing says that it may drop."""
    board = board_of()
    keep_verified(board, Entry("gone.com", "com", "gone"), INSIDE)

    assert waiting(board) == []


def test_a_name_in_the_middle_of_its_passes_asks_for_the_canaries_it_needs_itself() -> None:
    """Two sets of the same questions would only replace each other."""
    board = board_of()
    keep_verified(board, dropping(passes=(INSIDE - 2.0,)), INSIDE)

    assert waiting(board) == []


def test_a_server_that_is_verified_is_asked_again_before_that_is_over() -> None:
    """At three quarters of the time for which it stays green."""
    board = board_of()
    for key in (RDAP, WHOIS):
        verify(board, key, INSIDE)
    keep_verified(board, dropping(), INSIDE + KEEP_WINDOW)
    assert waiting(board) == []

    keep_verified(board, dropping(), INSIDE + KEEP_WINDOW + 1.0)
    assert methods(board) == ["rdap", "rdap", "whois", "whois"]
    assert KEEP_WINDOW < GREEN


def test_a_server_is_not_asked_twice_at_the_same_time() -> None:
    """Canaries on their way are enough, for however many names in their windows."""
    board = board_of()
    keep_verified(board, dropping(), INSIDE)
    keep_verified(board, dropping(), INSIDE + 1.0)

    assert methods(board) == ["rdap", "rdap", "whois", "whois"]
    assert board.probing[RDAP] == board.probing[WHOIS] == 2


@pytest.mark.parametrize(("rate", "asked"), [(KEEP_COST / KEEP_WINDOW * 1.01, True), (KEEP_COST / KEEP_WINDOW * 0.99, False)])
def test_a_server_that_can_be_asked_seldom_is_left_alone(rate: float, asked: bool) -> None:
    """Its questions are worth more as answers."""
    board = board_of(limits={"whois/*": Limit("whois/*", rate, 1), "*": Limit("*", 1000.0, 1000)})
    keep_verified(board, dropping(), INSIDE)

    assert ("whois" in methods(board)) is asked
    assert "rdap" in methods(board)


def test_a_server_in_quarantine_and_a_dead_one_are_not_kept_verified() -> None:
    """Nothing would be waited for from either of them."""
    board = board_of()
    caught(board, RDAP, INSIDE)
    for moment in (0.0, 30.0, 60.0):
        board.channels.note(WHOIS, Outcome.UNKNOWN, "no answer", INSIDE + moment)
    keep_verified(board, dropping(), INSIDE + 60.0)

    assert waiting(board) == []


def test_canaries_asked_beforehand_are_counted_by_method() -> None:
    """What they cost can be seen."""
    board = board_of()
    keep_verified(board, dropping(), INSIDE)
    counted = {labels["method"]: n for name, labels, n in board.metrics.snapshot()["counters"] if name == "canaries_beforehand"}

    assert counted == {"rdap": 2, "whois": 2}


def test_a_visit_in_the_window_keeps_the_servers_verified() -> None:
    """So that a drop finds them green, days after a name last needed them."""
    world = RegistryWorld([COM], interval=3600.0)
    world.live("gone.com", Life([(0.0, Phase.ACTIVE), (START, Phase.PENDING_DELETE)]))
    world.run_until(lambda: world.entry("gone.com").in_window(world.now, margin=0.0), START + 8 * DAY, 600.0)
    world.run(900)
    board = world.core.board

    assert world.now > START + 3 * DAY
    assert world.state("gone.com") == "PENDING_DELETE"
    assert board.trust.green(RDAP, world.now)
    assert board.trust.green(WHOIS, world.now)


# -- whether a channel still speaks --------------------------------------------------------------------------------------


def test_a_channel_that_was_not_heard_for_six_hours_is_asked_about_a_known_name() -> None:
    """One question, behind everybody else's."""
    board = board_of()
    for key in (RDAP, WHOIS):
        board.channels.note(key, Outcome.REGISTERED, "found", START)
    probe_channels(board, START + PROBE_EVERY - 1.0)
    assert waiting(board) == []

    probe_channels(board, START + PROBE_EVERY)
    assert [(ask.method, ask.domain, ask.rank) for ask in waiting(board)] == [
        ("rdap", "known.com", BACKGROUND),
        ("whois", "known.com", BACKGROUND),
    ]


def test_a_channel_that_was_never_heard_is_asked_at_once() -> None:
    """Whether it speaks has to be known before a drop."""
    board = board_of()
    probe_channels(board, START)

    assert methods(board) == ["rdap", "whois"]


def test_a_channel_that_fell_silent_is_asked_again_soon() -> None:
    """Within minutes it is known to be dead, or to speak. Its neighbour that speaks is not asked."""
    board = board_of()
    board.channels.note(RDAP, Outcome.REGISTERED, "found", START)
    board.channels.note(WHOIS, Outcome.UNKNOWN, "no answer", START)
    probe_channels(board, START + PROBE_DOUBTED_EVERY - 1.0)
    assert waiting(board) == []

    probe_channels(board, START + PROBE_DOUBTED_EVERY)
    assert methods(board) == ["whois"]


def test_a_dead_channel_is_asked_every_quarter_of_an_hour() -> None:
    """Its return shall not be missed for long."""
    board = board_of()
    board.channels.note(RDAP, Outcome.REGISTERED, "found", START)
    for moment in (-90.0, -30.0, 0.0):
        board.channels.note(WHOIS, Outcome.UNKNOWN, "no answer", START + moment)
    probe_channels(board, START + PROBE_SILENT_EVERY - 1.0)
    assert waiting(board) == []

    probe_channels(board, START + PROBE_SILENT_EVERY)
    assert methods(board) == ["whois"]


def test_a_dead_channel_is_found_out_within_minutes_of_a_start() -> None:
    """No name asks for it, and its first question takes its whole time limit."""
    dead = {"com": [Dead("whois", "silence", START, float("inf"))]}
    world = RegistryWorld([COM], dead=dead, interval=3600.0)
    world.live("held.com", Life())
    world.run(300)

    assert world.core.board.dead(WHOIS, world.now)


def test_a_channel_is_not_asked_again_while_its_canary_is_on_the_way() -> None:
    """However often one looks."""
    board = board_of()
    probe_channels(board, START)
    probe_channels(board, START + PROBE_EVERY)

    assert methods(board) == ["rdap", "whois"]


def test_a_server_in_quarantine_is_left_alone() -> None:
    """What it says counts for nothing until that is over."""
    board = board_of()
    caught(board, RDAP, START)
    probe_channels(board, START + QUARANTINE - 1.0)

    assert methods(board) == ["whois"]


def test_a_server_that_lied_is_asked_about_both_canaries() -> None:
    """A quarter of an hour after it was last heard: it stays out until it was right about both."""
    board = board_of()
    caught(board, RDAP, START)
    for key in (RDAP, WHOIS):
        board.channels.note(key, Outcome.UNREGISTERED, "not found", START)
    probe_channels(board, START + PROBE_SILENT_EVERY - 1.0)
    assert waiting(board) == []

    probe_channels(board, START + PROBE_SILENT_EVERY)
    assert [(ask.method, ask.probe.registered) for ask in waiting(board) if ask.probe] == [("rdap", True), ("rdap", False)]


def test_a_server_that_lied_is_back_soon_although_no_name_needs_it() -> None:
    """A drop may be days away, and shall find both servers."""
    world = RegistryWorld([COM], interval=600.0)
    world.live("held.com", Life())
    world.run(60)
    caught(world.core.board, RDAP, world.now)
    world.run(QUARANTINE + 60.0)
    assert world.core.board.trust.distrusted(RDAP, world.now)

    world.run(PROBE_SILENT_EVERY)
    assert not world.core.board.trust.distrusted(RDAP, world.now)


def test_an_operator_gives_a_twentieth_of_its_questions() -> None:
    """One server speaks for two suffixes: the second is asked when that share allows it."""
    board = board_of(SuffixModel("com"), SuffixModel("net"), real=True, limits={})
    limit = board.limit("whois", "whois.verisign-grs.com", "com")
    later = START + 1.0 / (PROBE_SHARE * limit.rate)
    for moment in (START, later - 1.0):
        probe_channels(board, moment)
    assert [ask.suffix for ask in waiting(board) if ask.method == "whois"] == ["com"]

    probe_channels(board, later)
    assert [ask.suffix for ask in waiting(board) if ask.method == "whois"] == ["com", "net"]


def test_two_canaries_count_as_two_questions_of_that_share() -> None:
    """Those of a server that lied."""
    board = board_of(SuffixModel("com"), SuffixModel("net"), real=True, limits={})
    limit = board.limit("whois", "whois.verisign-grs.com", "com")
    caught(board, ("whois", "whois.verisign-grs.com", "com"), START - QUARANTINE)
    share = 1.0 / (PROBE_SHARE * limit.rate)
    for moment in (START, START + 2 * share - 1.0):
        probe_channels(board, moment)
    assert [ask.suffix for ask in waiting(board) if ask.method == "whois"] == ["com", "com"]

    probe_channels(board, START + 2 * share)
    assert sorted(ask.suffix for ask in waiting(board) if ask.method == "whois") == ["com", "com", "net"]


def test_a_day_quota_bounds_the_share_too() -> None:
    """Of 864 questions a day, one every hundred seconds, a twentieth is one in two thousand seconds."""
    suffixes = [SuffixModel("com"), SuffixModel("net")]
    board = board_of(*suffixes, real=True, limits={"*": Limit("*", 10.0, 10, 864)})
    for moment in (START, START + 1999.0):
        probe_channels(board, moment)
    assert [ask.suffix for ask in waiting(board) if ask.method == "whois"] == ["com"]

    probe_channels(board, START + 2000.0)
    assert [ask.suffix for ask in waiting(board) if ask.method == "whois"] == ["com", "net"]


def test_a_line_without_room_is_not_made_longer() -> None:
    """Names that wait for their record go first; when the line is shorter again the channel is asked."""
    board = board_of(limits={"*": Limit("*", 0.5, 1)})
    limit = board.limit("whois", "whois.com.test", "com")
    names = iter(range(10_000))
    while board.queue.room(limit, BACKGROUND):
        name = f"n{next(names)}.com"
        board.queue.put(Ask("whois", "deep", name, "com", "whois.com.test", limit, BACKGROUND, START, 20.0))
    probe_channels(board, START)
    assert methods(board) == ["rdap"]

    board.queue.flush(limit.operator)
    probe_channels(board, START + 1.0)
    assert methods(board) == ["rdap", "whois"]


def test_no_channel_is_asked_while_all_lines_together_are_full() -> None:
    """Each question that waits keeps memory, whichever line it is in."""
    board = board_of()
    quick = Limit("whois/quick", 1000.0, 1)
    for number in range(MOST_ROUTINE):
        board.queue.put(Ask("whois", "deep", f"n{number}.org", "org", "quick", quick, BACKGROUND, START, 20.0))
    probe_channels(board, START)

    assert methods(board) == []


def test_an_operator_that_keeps_us_out_is_not_asked() -> None:
    """The question would only be turned away."""
    board = board_of()
    limit = board.limit("whois", "whois.com.test", "com")
    board.budgets._bucket(limit, "default", START).blocked_until = START + 3600.0
    probe_channels(board, START)

    assert methods(board) == ["rdap"]


def test_a_channel_that_no_worker_can_ask_is_left_alone() -> None:
    """Its silence would be ours."""
    world = RegistryWorld([COM])
    world.live("held.com", Life())
    worker = world.workers["deep-0@sim"]
    world.core.board.workers.left(worker.name, worker.boot)
    probe_channels(world.core.board, START + 60.0)

    assert methods(world.core.board) == ["rdap"]
