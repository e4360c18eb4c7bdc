"""Which canaries are asked before they are needed, and what keeps them from being asked."""

from __future__ import annotations

import pytest

from common.core.model.channel import ChannelKey
from common.core.model.entry import DropWindow, Entry, Rank
from common.core.model.evidence import Outcome
from common.core.model.limit import Limit
from common.core.model.query import Query
from common.core.rate_limits.query_queue import MOST_ROUTINE
from common.core.telemetry.reach import SILENT, SILENT_SPAN
from common.core.trust.early_canaries import (
    KEEP_COST,
    KEEP_WINDOW,
    PROBE_DOUBTED_EVERY,
    PROBE_EVERY,
    PROBE_SHARE,
    PROBE_SILENT_EVERY,
    WINDOW_MARGIN,
)
from common.core.trust.server_trust import QUARANTINE, VERIFIED_FOR
from tests.core.trust.trust_rooms import NOW, PLENTY, RDAP, WHOIS, TrustRooms, catch_lie, verify_server

OPENS, CLOSES = NOW + 1000.0, NOW + 4600.0
INSIDE = NOW + 2000.0
BOTH_OF_EACH = [("rdap", "known"), ("rdap", "random"), ("whois", "known"), ("whois", "random")]
KNOWN_OF_EACH = [("rdap", "known"), ("whois", "known")]
VERISIGN = ChannelKey("whois", "whois.verisign-grs.com", "com")


def dropping(passes: tuple[float, ...] = ()) -> Entry:
    """A name with a drop window of an hour."""
    entry = Entry("gone.com", "com", "gone", drop=DropWindow(OPENS, NOW + 2800.0, CLOSES, 0.9))
    entry.detail.passes = passes
    return entry


def fall_silent(rooms: TrustRooms, key: ChannelKey, *moments: float) -> None:
    """A channel gives no answer at these moments."""
    for moment in moments:
        rooms.channels.healths.note_outcome(key, Outcome.UNKNOWN, "no answer", moment)


def prove(rooms: TrustRooms, *keys: ChannelKey, at: float = NOW) -> None:
    """Channels give an answer that proves something."""
    for key in keys:
        rooms.channels.healths.note_outcome(key, Outcome.REGISTERED, "found", at)


def probe(rooms: TrustRooms, now: float) -> list[tuple[str, str]]:
    """Look for channels to probe; the canaries that are asked by that."""
    rooms.early_canaries.probe_channels(rooms.suffixes, now)
    return rooms.take_probes()


def whois_suffixes(rooms: TrustRooms, now: float) -> list[str]:
    """The suffixes that WHOIS canaries are asked about at that time."""
    rooms.early_canaries.probe_channels(rooms.suffixes, now)
    return sorted(query.suffix for query in rooms.take_canaries() if query.method == "whois")


# -- inside a drop window ------------------------------------------------------------------------------------------------


def test_inside_a_drop_window_both_canaries_of_each_registry_server_are_asked() -> None:
    """At once and before everything else: at the drop a canary costs seconds."""
    rooms = TrustRooms()
    rooms.early_canaries.keep_verified(dropping(), INSIDE)
    queries = rooms.take_canaries()

    assert [(query.method, query.probe.registered) for query in queries if query.probe] == [
        ("rdap", True),
        ("rdap", False),
        ("whois", True),
        ("whois", False),
    ]
    assert {query.rank for query in queries} == {Rank.URGENT}
    assert queries[0].domain == "known.com"


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
    """Queries at other times would be in vain."""
    rooms = TrustRooms()
    rooms.early_canaries.keep_verified(dropping(), now)

    assert bool(rooms.take_canaries()) is asked


def test_a_name_without_a_forecast_keeps_no_server_verified() -> None:
    """Nothing says that it may drop."""
    rooms = TrustRooms()
    rooms.early_canaries.keep_verified(Entry("gone.com", "com", "gone"), INSIDE)

    assert rooms.take_canaries() == []


def test_a_name_in_the_middle_of_its_passes_asks_for_the_canaries_it_needs_itself() -> None:
    """Two sets of the same queries would only replace each other."""
    rooms = TrustRooms()
    rooms.early_canaries.keep_verified(dropping(passes=(INSIDE - 2.0,)), INSIDE)

    assert rooms.take_canaries() == []


def test_a_server_that_is_verified_is_asked_again_before_that_is_over() -> None:
    """At three quarters of the time for which it stays verified."""
    rooms = TrustRooms()
    for key in (RDAP, WHOIS):
        verify_server(rooms, key, INSIDE)
    rooms.early_canaries.keep_verified(dropping(), INSIDE + KEEP_WINDOW)
    assert rooms.take_canaries() == []

    rooms.early_canaries.keep_verified(dropping(), INSIDE + KEEP_WINDOW + 1.0)
    assert rooms.take_probes() == BOTH_OF_EACH
    assert KEEP_WINDOW < VERIFIED_FOR


def test_a_server_is_not_asked_twice_at_the_same_time() -> None:
    """Canaries on their way are enough, for however many names in their windows."""
    rooms = TrustRooms()
    rooms.early_canaries.keep_verified(dropping(), INSIDE)
    rooms.early_canaries.keep_verified(dropping(), INSIDE + 1.0)

    assert rooms.take_probes() == BOTH_OF_EACH
    assert rooms.canaries.is_on_way(RDAP)
    assert rooms.canaries.is_on_way(WHOIS)


@pytest.mark.parametrize(
    ("rate", "asked"),
    [
        (KEEP_COST / KEEP_WINDOW, ["known", "random"]),
        (KEEP_COST / KEEP_WINDOW * 0.99, ["random"]),
        (4 / KEEP_WINDOW, ["random"]),
        (4 / KEEP_WINDOW * 0.99, []),
    ],
)
def test_a_server_that_can_be_asked_seldom_is_asked_about_less(rate: float, asked: list[str]) -> None:
    """Its queries are worth more as answers; about the known name it is asked after the drop in any case."""
    rooms = TrustRooms(limits={"whois/*": Limit("whois/*", rate, 1), **PLENTY})
    rooms.early_canaries.keep_verified(dropping(), INSIDE)

    assert [kind for method, kind in rooms.take_probes() if method == "whois"] == asked


@pytest.mark.parametrize(("per_day", "asked"), [(322, ["known", "random"]), (318, ["random"]), (162, ["random"]), (158, [])])
def test_a_small_quota_is_kept_for_answers(per_day: int, asked: list[str]) -> None:
    """Canaries that may not be needed take a fifth of it at most."""
    rooms = TrustRooms(limits={"whois/*": Limit("whois/*", 1000.0, 10, per_day), **PLENTY})
    rooms.early_canaries.keep_verified(dropping(), INSIDE)

    assert [kind for method, kind in rooms.take_probes() if method == "whois"] == asked


def test_in_a_window_of_several_days_servers_are_verified_in_the_hours_of_the_registry() -> None:
    """Names of .com are deleted in the evening; of a registry without known hours at any time."""
    rooms = TrustRooms()
    midnight = INSIDE // 86_400 * 86_400
    entry = dropping()
    entry.drop = DropWindow(midnight - 2 * 86_400, midnight, midnight + 2 * 86_400, 0.9)
    rooms.early_canaries.keep_verified(entry, midnight + 12 * 3600)
    assert rooms.take_canaries() == []
    rooms.early_canaries.keep_verified(entry, midnight + 19 * 3600)

    assert len(rooms.take_canaries()) == 4


def test_a_server_in_quarantine_and_a_dead_one_are_not_kept_verified() -> None:
    """Nothing would be waited for from either of them."""
    rooms = TrustRooms()
    catch_lie(rooms, RDAP, INSIDE)
    fall_silent(rooms, WHOIS, INSIDE, INSIDE + 30.0, INSIDE + 60.0)
    rooms.early_canaries.keep_verified(dropping(), INSIDE + 60.0)

    assert rooms.take_canaries() == []


def test_canaries_asked_beforehand_are_counted_by_method() -> None:
    """What they cost can be seen."""
    rooms = TrustRooms()
    rooms.early_canaries.keep_verified(dropping(), INSIDE)

    assert rooms.telemetry.metrics.sum_counter("canaries_beforehand", ("method",)) == {"rdap": 2, "whois": 2}


# -- whether a channel still speaks --------------------------------------------------------------------------------------


def test_a_channel_that_was_not_heard_for_six_hours_is_asked_about_a_known_name() -> None:
    """One query, behind all others."""
    rooms = TrustRooms()
    prove(rooms, RDAP, WHOIS)
    assert probe(rooms, NOW + 21_599.0) == []

    rooms.early_canaries.probe_channels(rooms.suffixes, NOW + 21_600.0)
    assert [(query.method, query.domain, query.rank) for query in rooms.take_canaries()] == [
        ("rdap", "known.com", Rank.BACKGROUND),
        ("whois", "known.com", Rank.BACKGROUND),
    ]


def test_a_channel_that_was_never_heard_is_asked_at_once() -> None:
    """Whether it speaks has to be known before a drop."""
    assert probe(TrustRooms(), NOW) == KNOWN_OF_EACH


def test_a_channel_that_fell_silent_is_asked_again_soon() -> None:
    """Within minutes it is known to be dead, or to speak. Its neighbour that speaks is not asked."""
    rooms = TrustRooms()
    prove(rooms, RDAP)
    fall_silent(rooms, WHOIS, NOW)

    assert probe(rooms, NOW + PROBE_DOUBTED_EVERY - 1.0) == []
    assert probe(rooms, NOW + PROBE_DOUBTED_EVERY) == [("whois", "known")]


def test_a_dead_channel_is_asked_every_quarter_of_an_hour() -> None:
    """Its return shall not be missed for long."""
    rooms = TrustRooms()
    prove(rooms, RDAP)
    fall_silent(rooms, WHOIS, NOW - 90.0, NOW - 30.0, NOW)

    assert probe(rooms, NOW + PROBE_SILENT_EVERY - 1.0) == []
    assert probe(rooms, NOW + PROBE_SILENT_EVERY) == [("whois", "known")]


def test_a_channel_of_a_silent_method_is_asked_every_quarter_of_an_hour() -> None:
    """That tells one server that is down from all of them; the other method keeps its six hours."""
    rooms = TrustRooms()
    prove(rooms, RDAP, WHOIS)
    for number in range(SILENT):
        at = NOW + number * SILENT_SPAN / (SILENT - 1)
        rooms.telemetry.reach.note_answer("whois", (Outcome.UNKNOWN, "whois_timeout"), ("whois.org.test", "org"), at)

    assert probe(rooms, NOW + PROBE_SILENT_EVERY - 1.0) == []
    assert probe(rooms, NOW + PROBE_SILENT_EVERY) == [("whois", "known")]


def test_a_channel_is_not_asked_again_while_its_canary_is_on_the_way() -> None:
    """However often one looks."""
    rooms = TrustRooms()

    assert probe(rooms, NOW) == KNOWN_OF_EACH
    assert probe(rooms, NOW + PROBE_EVERY) == []


def test_a_server_in_quarantine_is_left_alone() -> None:
    """What it says counts for nothing until that is over."""
    rooms = TrustRooms()
    catch_lie(rooms, RDAP, NOW)

    assert probe(rooms, NOW + QUARANTINE - 1.0) == [("whois", "known")]


def test_a_server_that_lied_is_asked_about_both_canaries() -> None:
    """A quarter of an hour after it was last heard: it stays out until it was right about both."""
    rooms = TrustRooms()
    catch_lie(rooms, RDAP, NOW)
    prove(rooms, RDAP, WHOIS)

    assert probe(rooms, NOW + PROBE_SILENT_EVERY - 1.0) == []
    assert probe(rooms, NOW + PROBE_SILENT_EVERY) == [("rdap", "known"), ("rdap", "random")]


def test_an_operator_gives_a_twentieth_of_its_queries() -> None:
    """One server speaks for two suffixes: the second is asked when that share allows it."""
    rooms = TrustRooms("com", "net", real=True, limits={})
    later = NOW + 1.0 / (PROBE_SHARE * rooms.limit_of(VERISIGN).rate)

    assert whois_suffixes(rooms, NOW) == ["com"]
    assert whois_suffixes(rooms, later - 1.0) == []
    assert whois_suffixes(rooms, later) == ["net"]


def test_two_canaries_count_as_two_queries_of_that_share() -> None:
    """Those of a server that lied."""
    rooms = TrustRooms("com", "net", real=True, limits={})
    catch_lie(rooms, VERISIGN, NOW - QUARANTINE)
    share = 1.0 / (PROBE_SHARE * rooms.limit_of(VERISIGN).rate)

    assert whois_suffixes(rooms, NOW) == ["com", "com"]
    assert whois_suffixes(rooms, NOW + 2 * share - 1.0) == []
    assert whois_suffixes(rooms, NOW + 2 * share) == ["net"]


def test_a_day_quota_bounds_the_share_too() -> None:
    """Of 864 queries a day, one every hundred seconds, a twentieth is one in two thousand seconds."""
    rooms = TrustRooms("com", "net", real=True, limits={"*": Limit("*", 10.0, 10, 864)})

    assert whois_suffixes(rooms, NOW) == ["com"]
    assert whois_suffixes(rooms, NOW + 1999.99) == []
    assert whois_suffixes(rooms, NOW + 2000.0) == ["net"]


def routine_query(number: int, suffix: str, server: str, limit: Limit) -> Query:
    """A query that nothing waits for."""
    return Query(
        method="whois",
        pool="deep",
        domain=f"n{number}.{suffix}",
        suffix=suffix,
        server=server,
        limit=limit,
        rank=Rank.BACKGROUND,
        queued=NOW,
        budget=20.0,
    )


def test_a_queue_without_room_is_not_made_longer() -> None:
    """Names that wait for their record go first; when the queue is shorter again the channel is asked."""
    rooms = TrustRooms(limits={"*": Limit("*", 0.5, 1)})
    limit, queue, number = rooms.limit_of(WHOIS), rooms.rate_limits.queue, 0
    while queue.room_for_queries(limit, Rank.BACKGROUND):
        queue.add_query(routine_query(number, "com", "whois.com.test", limit))
        number += 1

    assert probe(rooms, NOW) == [("rdap", "known")]  # and the queue is empty now
    assert probe(rooms, NOW + 1.0) == [("whois", "known")]


def test_no_channel_is_asked_while_all_queues_together_are_full() -> None:
    """Each query that waits keeps memory, whichever queue it is in."""
    rooms = TrustRooms()
    quick = Limit("whois/quick", 1000.0, 1)
    for number in range(MOST_ROUTINE):
        rooms.rate_limits.queue.add_query(routine_query(number, "org", "quick", quick))

    assert probe(rooms, NOW) == []


def test_an_operator_that_limits_us_is_not_asked() -> None:
    """The query would only lose its place."""
    rooms = TrustRooms()
    rooms.limit_operator(WHOIS, NOW, 3600.0)

    assert probe(rooms, NOW) == [("rdap", "known")]


def test_a_channel_without_a_worker_is_left_alone() -> None:
    """Its silence would be ours."""
    assert probe(TrustRooms(pools=("fast", "intermediate")), NOW + 60.0) == [("rdap", "known")]
