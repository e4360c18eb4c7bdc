"""Which channels a check may use, how urgent its queries are, and how much room their queues have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from common.core.builtin.lifecycles import row_for
from common.core.channels.channel_health import DEAD_AFTER, REST_DEAD
from common.core.checks.escalation import next_methods
from common.core.checks.query_planner import SHORT_HOLD
from common.core.model.channel import Probe
from common.core.model.entry import Check, DropWindow, Entry, Rank
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.ids import NEVER
from common.core.model.limit import Limit
from common.core.model.methods import pool_of
from common.core.model.query import Query
from common.core.model.records import Evidence
from common.core.model.states import State
from common.core.rate_limits.query_queue import MOST_ROUTINE
from common.core.registries.sources import Source
from tests.core.checks.checks_room import NOW, PLENTY, RDAP, SOURCES, WHOIS, ChecksRoom, credit, query
from tests.core.checks.denied_names import answer

DAY, HOUR = 86_400.0, 3600.0
MIDNIGHT = NOW // DAY * DAY
THROTTLED = Observation("rdap", Reading(Outcome.THROTTLED, "rdap_429", "slow down", retry_after=HOUR), status=429)


def ending(window: tuple[float, float] | None = None) -> Entry:
    """A name in pending delete under check, with this drop window."""
    entry = Entry("gone.com", "com", "gone", state=State.PENDING_DELETE, check=Check(NOW, asked={"rdap"}))
    if window is not None:
        entry.drop = DropWindow(window[0], sum(window) / 2, window[1], 0.9)
    return entry


def queued(room: ChecksRoom, method: str) -> Query:
    """The one query by this method that waits."""
    (found,) = room.rate_limits.queue.take_pool(pool_of(method), NEVER)
    return found


def queue_whois(room: ChecksRoom, entry: Entry) -> bool:
    """Queue a WHOIS query about a name under check."""
    assert entry.check is not None
    return room.planner.queue_query(entry, entry.check, "whois", NOW)


def limit_operator(room: ChecksRoom) -> None:
    """Let the RDAP server of com limit us for an hour."""
    room.rate_limits.budgets.note_answer(room.registries.limit_of("rdap", RDAP.server, "com"), "default", THROTTLED, NOW)


@pytest.mark.parametrize("sign", ["window", "denied", "purged", "hours", "off hours"])
def test_a_name_that_may_have_dropped_goes_before_routine(sign: str) -> None:
    """By its forecast, or because one channel denies it; a full queue admits it all the same."""
    room = ChecksRoom()
    entry = ending((NOW - 60, NOW + 60) if sign == "window" else None)
    assert entry.check is not None
    if sign == "hours":  # of a window that says little
        minute = int((NOW - MIDNIGHT) // 60)
        room.domains.calendar.hours.set_cycle("com", replace(row_for("com"), window=(minute - 30, minute + 30)))
        entry.drop = DropWindow(NOW - 10 * DAY, NOW, NOW + 10 * DAY, 0.9)
    elif sign == "off hours":  # learned, and over for today
        room.domains.calendar.hours.set_cycle("com", replace(row_for("com"), window=(600, 660)))
        entry.drop = DropWindow(MIDNIGHT + 10 * HOUR, MIDNIGHT + 10.5 * HOUR, MIDNIGHT + 11 * HOUR, 0.9)
    if sign == "denied":
        entry.check.outcomes["rdap"] = Outcome.UNREGISTERED
    elif sign == "purged":
        entry.detail.purged_at = NOW - 600
    limit = room.registries.limit_of("whois", WHOIS.server, "com")
    for number in range(MOST_ROUTINE):
        room.rate_limits.queue.add_query(query("whois", f"n{number}.com", server=WHOIS.server, limit=limit))

    assert queue_whois(room, entry)
    assert room.rate_limits.queue.take_operator(limit.operator)[0].domain == "gone.com"


@pytest.mark.parametrize(
    ("window", "rank"),
    [
        ((NOW - HOUR, NOW + 12 * HOUR), Rank.NEWS),
        ((NOW + 1.1 * HOUR, NOW + 2 * HOUR), Rank.ORDINARY),
        ((NOW - 10 * DAY, NOW + 20 * DAY), Rank.ORDINARY),
        ((NOW - 29 * DAY, NOW + DAY), Rank.NEWS),  # the last day of a wide one
        (None, Rank.ORDINARY),
    ],
)
def test_a_drop_window_raises_the_rank_only_where_it_tells_the_day(window: tuple[float, float] | None, rank: Rank) -> None:
    """In a wide window nothing says that the name drops now."""
    room, entry = ChecksRoom(), ending(window)
    assert queue_whois(room, entry)
    found = queued(room, "whois")

    assert found.rank is rank


@pytest.mark.parametrize(
    ("change", "method", "rank"),
    [
        ("confirm", "whois", Rank.URGENT),
        ("manual", "whois", Rank.URGENT),
        ("priority", "whois", Rank.PRIORITY),
        ("denied by dns", "whois", Rank.NEWS),
        ("new and denied by dns", "whois", Rank.FIRST),
        ("new and denied by dns", "rdap", Rank.FIRST),
        ("new", "whois", Rank.ORDINARY),
        ("new, denied by dns and by rdap", "whois", Rank.ORDINARY),
        ("delegated", "whois", Rank.BACKGROUND),
        ("delegated", "dns", Rank.ORDINARY),
        ("", "whois", Rank.ORDINARY),
    ],
)
def test_the_rank_of_a_query_follows_from_its_check(change: str, method: str, rank: Rank) -> None:
    """A delegated name costs its registry only what no other query needs; a new one out of the zone may drop today."""
    room = ChecksRoom()
    entry = Entry("a.com", "com", "a", state=State.REGISTERED, priority=change == "priority")
    check = Check(NOW, confirm=change == "confirm", manual=change == "manual")
    if change.startswith("new"):
        entry.state = State.UNKNOWN
    if "by rdap" in change:
        entry.note_observation(Observation("rdap", Reading(Outcome.UNREGISTERED, "rdap_404_json", "not found")), NOW)
    if "denied by dns" in change:
        check.outcomes["dns"] = Outcome.UNREGISTERED
    if change == "delegated":
        seen = Observation("dns", Reading(Outcome.REGISTERED, "dns_auth_referral", "delegated"))
        entry.detail.evidence["dns"] = Evidence(seen, NOW, NOW)
    assert room.planner.queue_query(entry, check, method, NOW)
    found = queued(room, method)

    assert found.rank is rank


@pytest.mark.parametrize(
    ("state", "purged", "until", "rank"),
    [
        (State.DROPPING, None, NOW + 40 * DAY, Rank.NEWS),
        (State.DROPPING, NOW - SHORT_HOLD, NOW + 40 * DAY, Rank.NEWS),
        (State.DROPPING, NOW - SHORT_HOLD - 1, NOW + 40 * DAY, Rank.ORDINARY),
        (State.DROPPING, NOW - 39 * DAY, NOW + DAY, Rank.NEWS),
        (State.DROPPING, NOW - 39 * DAY, NOW + DAY + 1, Rank.ORDINARY),
        (State.DROPPING, NOW - 39 * DAY, NOW - 1, Rank.NEWS),
        (State.DROPPING, NOW - 39 * DAY, None, Rank.NEWS),
        (State.RESERVED, None, None, Rank.ORDINARY),
    ],
)
def test_a_name_whose_release_procedure_may_end_is_looked_at_before_routine(
    state: State, purged: float | None, until: float | None, rank: Rank
) -> None:
    """Not in the weeks of a long one: those looks would be missing in the windows of others."""
    room, entry = ChecksRoom(), ending(None)
    entry.state, entry.detail.purged_at, entry.held_until = state, purged, until
    assert queue_whois(room, entry)

    assert queued(room, "whois").rank is rank


def test_a_query_that_no_check_waits_for_goes_behind_all_others() -> None:
    """Whatever its name."""
    room, entry = ChecksRoom(), ending((NOW - 60, NOW + 60))
    assert entry.check is not None
    assert room.planner.queue_query(entry, entry.check, "whois", NOW, unawaited=True)
    found = queued(room, "whois")

    assert (found.rank, found.unawaited) == (Rank.BACKGROUND, True)


def test_a_query_to_an_operator_that_limits_us_is_not_queued_and_the_name_says_why() -> None:
    """The check goes on without it."""
    room = ChecksRoom()
    limit_operator(room)
    entry, check = Entry("a.com", "com", "a"), Check(NOW)

    assert not room.planner.queue_query(entry, check, "rdap", NOW)
    assert "limits us" in entry.detail.trouble["rdap"].observation.reading.reason
    assert room.waiting_queries() == []


def test_the_offer_leaves_out_servers_that_lied_and_zones_that_answer_for_everything() -> None:
    """DNS under a wildcard proves nothing."""
    room, entry = ChecksRoom(), Entry("a.com", "com", "a")
    offer = room.planner.offer_channels(entry, NOW)
    assert (offer.registry, offer.wildcard, offer.resting, offer.slow) == (("rdap", "whois"), False, frozenset(), frozenset())

    room.trust.row_of(RDAP).quarantined_until = NOW + 60
    room.registries.wildcards.note_measured("com", wildcard=True)
    offer = room.planner.offer_channels(entry, NOW)
    assert (offer.registry, offer.wildcard) == (("whois",), True)
    assert room.planner.distrusted_channels(entry, NOW) == [RDAP]


ONE, TWO = "registrar:one", "registrar:two"


def hush(room: ChecksRoom, method: str) -> None:
    """A channel of com proved nothing again and again until now."""
    key = room.registries.channel_of(method, "com")
    for moment in (-DEAD_AFTER, -1.0, 0.0):
        room.channels.healths.note_outcome(key, Outcome.UNKNOWN, "no answer", NOW + moment)


def test_sources_of_ones_own_are_offered_beside_the_channels_of_the_registry() -> None:
    """In the order of preference; EPP where there is an account for the suffix."""
    room = ChecksRoom(sources=SOURCES)
    offer = room.planner.offer_channels(Entry("a.com", "com", "a"), NOW)

    assert (offer.registry, offer.registrars) == (("rdap", "epp", "whois"), (ONE, TWO))
    assert room.planner.offer_channels(Entry("a.org", "org", "a"), NOW).registry == ("rdap", "whois")
    assert ChecksRoom().planner.offer_channels(Entry("a.com", "com", "a"), NOW).registrars == ()


def test_a_source_without_a_worker_that_has_its_settings_is_not_offered() -> None:
    """RDAP and WHOIS need none: their queries wait for a worker."""
    room = ChecksRoom(sources=SOURCES, workers=False)
    offer = room.planner.offer_channels(Entry("a.com", "com", "a"), NOW)
    assert (offer.registry, offer.registrars) == (("rdap", "whois"), ())

    room.workers.note_credit(credit("intermediate", methods=("rdap", TWO)), NOW)
    offer = room.planner.offer_channels(Entry("a.com", "com", "a"), NOW)
    assert (offer.registry, offer.registrars) == (("rdap", "whois"), (TWO,))


@pytest.mark.parametrize("reason", ["lied", "limits us", "silent", "proves nothing", "another suffix", "switched off"])
def test_a_registrar_that_cannot_tell_anything_now_is_not_offered(reason: str) -> None:
    """The other one is."""
    one = Source(
        method=ONE,
        url="https://one.test/v1",
        proof=reason != "proves nothing",
        suffixes=("net",) if reason == "another suffix" else (),
    )
    off = {"registrar/one": Limit("x", 0.0, 0)} if reason == "switched off" else {}
    room = ChecksRoom(sources=(one, *SOURCES[1:]), limits={**PLENTY, **off})
    key = room.registries.channel_of(ONE, "com")
    if reason == "lied":
        room.trust.row_of(key).quarantined_until = NOW + 60
    elif reason == "limits us":
        throttled = Observation(ONE, THROTTLED.reading, status=429)
        room.rate_limits.budgets.note_answer(room.registries.limit_of(*key), "default", throttled, NOW)
    elif reason == "silent":
        hush(room, ONE)

    assert room.planner.offer_channels(Entry("a.com", "com", "a"), NOW).registrars == (TWO,)


def test_a_registrar_that_was_dead_for_a_while_is_offered_again_after_a_rest() -> None:
    """To the tick: no canary is sent to it, so nothing else would find out that it answers again."""
    room, entry = ChecksRoom(sources=SOURCES[:1]), Entry("a.com", "com", "a")
    hush(room, ONE)

    assert room.planner.offer_channels(entry, NOW + REST_DEAD - 0.001).registrars == ()
    assert room.planner.offer_channels(entry, NOW + REST_DEAD).registrars == (ONE,)


def test_a_registrar_that_can_be_asked_at_once_comes_first() -> None:
    """One whose token has to be waited for comes after it; otherwise the order is that of the settings."""
    limits = {**PLENTY, "registrar/one": Limit("registrar/one", 0.1, 1)}
    room = ChecksRoom(sources=SOURCES, limits=limits)
    entry = Entry("a.com", "com", "a")
    for method in (ONE, TWO):
        room.fill_budget(room.registries.limit_of(method, "", "com"))
    assert room.planner.offer_channels(entry, NOW).registrars == (ONE, TWO)

    room.rate_limits.budgets.take_token(room.registries.limit_of(ONE, "", "com"), "default", NOW)
    assert room.planner.offer_channels(entry, NOW).registrars == (TWO, ONE)


def test_registrars_stand_in_where_every_channel_of_the_registry_rests() -> None:
    """Their queries are sent in place of those."""
    room, entry, check = ChecksRoom(sources=SOURCES), Entry("a.com", "com", "a"), Check(NOW, confirm=True)
    for method in ("rdap", "epp", "whois"):
        assert ONE not in next_methods(entry, check, room.planner.offer_channels(entry, NOW), NOW)
        hush(room, method)

    offer = room.planner.offer_channels(entry, NOW)
    assert offer.resting == {"rdap", "epp", "whois"}
    assert next_methods(entry, check, offer, NOW) == ["dns", ONE, TWO]


def test_a_name_knows_how_long_its_query_waits_at_a_registrar() -> None:
    """Until it leaves the queue at the latest; of other methods, and of a query that got no place, nothing is kept."""
    room, entry, check = ChecksRoom(sources=SOURCES), Entry("a.com", "com", "a"), Check(NOW)
    for method in (ONE, "rdap", "epp", "whois", "dns"):
        assert room.planner.queue_query(entry, check, method, NOW)
    found = [waiting for waiting in room.rate_limits.queue.take_pool("intermediate", NEVER) if waiting.method == ONE]
    assert entry.queued_until == {ONE: found[0].deadline}
    assert found[0].deadline > NOW

    throttled = Observation(TWO, THROTTLED.reading, status=429)
    room.rate_limits.budgets.note_answer(room.registries.limit_of(TWO, "two.test", "com"), "default", throttled, NOW)
    assert not room.planner.queue_query(entry, check, TWO, NOW)
    assert TWO not in entry.queued_until


def test_a_registrar_that_answers_from_the_zone_is_not_offered_until_it_knows_a_hidden_name() -> None:
    """For no suffix: where its answers come from is the same for all."""
    room = ChecksRoom(sources=SOURCES)
    probe = Probe(room.registries.channel_of(ONE, "com"), "hidden.com", registered=True, hidden=True)
    offers = [Entry("a.com", "com", "a"), Entry("a.net", "net", "a")]
    room.trust.note_hidden_answer(probe, answer(ONE, Outcome.UNREGISTERED), NOW)
    assert [room.planner.offer_channels(entry, NOW).registrars for entry in offers] == [(TWO,)] * 2

    room.trust.note_hidden_answer(probe, answer(ONE, Outcome.REGISTERED), NOW + 1)
    assert [room.planner.offer_channels(entry, NOW + 1).registrars for entry in offers] == [(ONE, TWO)] * 2


def test_the_room_for_sweeps_is_that_of_the_channel_a_check_queries() -> None:
    """RDAP first, WHOIS where the RDAP server limits us, none where no channel can be queried, unknown without a registry."""
    slow = {"rdap/rdap.com.test": Limit("x", 0.01, 1, None), "whois/whois.com.test": Limit("y", 1.0, 1, None)}
    room = ChecksRoom(limits={**PLENTY, **slow})
    by_rdap = room.planner.registry_room("com", Rank.BACKGROUND, NOW)
    limit_operator(room)
    by_whois = room.planner.registry_room("com", Rank.BACKGROUND, NOW)
    assert by_rdap is not None
    assert by_whois is not None
    assert 0 < by_rdap < by_whois

    limits = {**PLENTY, "rdap/*": Limit("rdap/*", 0.0, 0, None), "whois/*": Limit("whois/*", 0.0, 0, None)}
    assert ChecksRoom(limits=limits).planner.registry_room("com", Rank.BACKGROUND, NOW) is None
    assert ChecksRoom(workers=False).planner.registry_room("com", Rank.BACKGROUND, NOW) == 0


def test_routine_checks_of_a_suffix_wait_while_its_first_queue_is_full() -> None:
    """By DNS, under a wildcard by the registry; not where the operator limits us: a check goes on without that."""
    room = ChecksRoom()
    room.registries.wildcards.note_measured("com", wildcard=True)
    limit = room.registries.limit_of("rdap", RDAP.server, "com")
    for number in range(MOST_ROUTINE // 2):
        room.rate_limits.queue.add_query(query("rdap", f"n{number}.com", server="https://rdap.com.test/", limit=limit))
    assert room.planner.is_full("com", NOW)
    assert not room.planner.is_full("org", NOW)

    limit_operator(room)
    assert not room.planner.is_full("com", NOW)


def test_a_channel_too_slow_for_an_alarm_is_named_once_the_name_was_seen_registered() -> None:
    """Of a name never seen registered the slow one may be the one that would say "reserved"."""
    room = ChecksRoom(limits={**PLENTY, "whois/whois.com.test": Limit("y", 1e-5, 1, None)})
    entry = Entry("a.com", "com", "a")
    assert room.planner.slow_methods(entry, NOW) == set()

    entry.detail.registered_seen = NOW - DAY
    assert room.planner.slow_methods(entry, NOW) == {"whois"}


def test_a_channel_that_denied_a_name_a_moment_ago_and_has_no_token_is_spent() -> None:
    """Not before a first pass, nor with a token, nor once that answer is a minute old or from before the drop."""
    room = ChecksRoom(limits={**PLENTY, "whois/whois.com.test": Limit("x", 0.1, 1)})
    entry = ending()
    entry.detail.purged_at = NOW - 10
    for method in ("rdap", "whois"):
        entry.detail.evidence[method] = Evidence(Observation(method, Reading(Outcome.UNREGISTERED, "", "")), NOW - 5, NOW - 5)
    assert room.planner.offer_channels(entry, NOW).spent == frozenset()
    entry.detail.passes = (NOW - 5,)
    assert room.planner.offer_channels(entry, NOW).spent == frozenset()
    limit = room.registries.limit_of("whois", WHOIS.server, "com")
    room.rate_limits.budgets.take_token(limit, "default", NOW)
    assert not room.planner.has_token(WHOIS, NOW)
    assert room.planner.offer_channels(entry, NOW).spent == {"whois"}
    entry.detail.purged_at = NOW - 4
    assert room.planner.offer_channels(entry, NOW).spent == frozenset()
    entry.detail.purged_at = NOW - 10
    for age, spent in ((60.0, {"whois"}), (61.0, set())):
        entry.detail.evidence["whois"] = Evidence(Observation("whois", Reading(Outcome.UNREGISTERED, "", "")), NOW - age, NOW)
        entry.detail.purged_at = NOW - 100
        assert room.planner.offer_channels(entry, NOW).spent == spent
