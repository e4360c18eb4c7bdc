"""When canaries are asked, which names wait for them, and what their answers change: no verdict is taken and none recorded."""

from __future__ import annotations

import pytest

from common.core.model.channel import ChannelKey, Probe
from common.core.model.entry import Check, Rank
from common.core.model.evidence import Observation, Outcome, Phase, Reading, unknown_reading
from common.core.model.limit import Limit
from common.core.model.states import State
from common.core.trust.canaries import LONGEST_WAIT, WAIT
from common.core.trust.outcomes import CanaryOutcome, Failure, Reconsidered, Settled
from common.core.trust.server_trust import QUARANTINE
from tests.core.trust.trust_rooms import (
    NOW,
    PLENTY,
    RDAP,
    SINCE,
    WHOIS,
    ZONE,
    TrustRooms,
    answer_canary,
    await_servers,
    catch_lie,
    graded,
    loaded_name,
)

RIGHT = {True: Outcome.REGISTERED, False: Outcome.UNREGISTERED}


# -- what an answer changes ----------------------------------------------------------------------------------------------


def test_a_name_is_reconsidered_and_released_once_both_canaries_have_answered() -> None:
    """With the time from which its answers count; the first of the two answers alone changes nothing."""
    rooms = TrustRooms()
    entry = loaded_name(rooms, "gone.com", RDAP)
    known, random = await_servers(rooms, entry, RDAP)
    assert entry.awaited == {RDAP}
    assert answer_canary(rooms, known, Outcome.REGISTERED) == CanaryOutcome()

    assert answer_canary(rooms, random, Outcome.UNREGISTERED) == CanaryOutcome(
        reconsidered=[Reconsidered(entry, SINCE, {}, "")], released=["gone.com"]
    )
    assert rooms.trust.is_verified_after(RDAP, NOW, NOW + 1.0)
    assert entry.awaited == set()
    assert graded(rooms) == {"rdap ok": 2}


def test_canaries_take_no_verdict_and_record_none() -> None:
    """Whatever they answer: no state changes, nothing is written but evidence that a lie took away, no answer is counted."""
    rooms = TrustRooms()
    entry = loaded_name(rooms, "gone.com", RDAP)
    known, _ = await_servers(rooms, entry, RDAP)
    outcome = answer_canary(rooms, known, Outcome.UNREGISTERED)

    assert outcome.failures
    assert outcome.reconsidered
    assert (entry.state, entry.generation, entry.confidence) == (State.UNKNOWN, 0, 0.0)
    assert rooms.domains.journal.is_settled()
    assert not rooms.telemetry.metrics.sum_counter("answers_contradicted", ("method",))


def test_a_lie_takes_away_what_its_server_said_about_the_names_that_waited() -> None:
    """The failed canary itself first, then what was dropped, name by name; each of them is to be reconsidered."""
    rooms = TrustRooms()
    denied, other = loaded_name(rooms, "b.com", RDAP), loaded_name(rooms, "a.com", WHOIS)
    dropped = {"rdap": denied.detail.evidence["rdap"]}
    known, _ = await_servers(rooms, denied, RDAP)
    await_servers(rooms, other, RDAP)
    outcome = answer_canary(rooms, known, Outcome.UNREGISTERED)
    lie = "rdap.com.test does not find known.com (so it says)"

    assert outcome.failures == [Failure(RDAP, {}, doubted=True), Failure(RDAP, dropped, doubted=True)]
    assert outcome.reconsidered == [Reconsidered(other, SINCE, {}, lie), Reconsidered(denied, SINCE, dropped, lie)]
    assert outcome.released == ["a.com", "b.com"]
    assert (denied.detail.evidence, denied.detail.passes) == ({}, ())
    assert set(other.detail.evidence) == {"whois"}
    assert rooms.trust.is_quarantined(RDAP, NOW + 1.0)
    assert graded(rooms) == {"rdap lie": 1}


def test_a_lie_is_logged_with_its_server_and_the_other_side_is_asked() -> None:
    """The zone tells whether the server or the canary is to blame."""
    rooms = TrustRooms()
    known, _ = await_servers(rooms, loaded_name(rooms, "gone.com", RDAP), RDAP)
    answer_canary(rooms, known, Outcome.UNREGISTERED)
    (line,) = rooms.log_lines("server_quarantined")

    assert (line.level, line.fields["server"], line.fields["suffix"]) == ("warning", "rdap.com.test", "com")
    assert [query.probe for query in rooms.take_canaries()] == [Probe(ZONE, "known.com", registered=True)]
    assert rooms.telemetry.metrics.sum_counter("quarantines", ("method",)) == {"rdap": 1}


def test_a_random_name_that_a_server_finds_is_a_lie_beyond_doubt() -> None:
    """No canary of that kind can be gone, so no other side is asked."""
    rooms = TrustRooms()
    _, random = await_servers(rooms, loaded_name(rooms, "gone.com", RDAP), RDAP)
    outcome = answer_canary(rooms, random, Outcome.REGISTERED)

    assert [failure.doubted for failure in outcome.failures] == [False, False]
    assert rooms.take_canaries() == []


def test_what_a_lie_takes_from_a_name_in_a_check_is_kept_with_the_check() -> None:
    """The verdict is taken when the check ends, not before."""
    rooms = TrustRooms()
    entry = loaded_name(rooms, "gone.com", RDAP)
    dropped = {"rdap": entry.detail.evidence["rdap"]}
    known, _ = await_servers(rooms, entry, RDAP)
    entry.check = Check(NOW)
    outcome = answer_canary(rooms, known, Outcome.UNREGISTERED)

    assert outcome.reconsidered == []
    assert (entry.check.voided, entry.check.lie) == (dropped, "rdap.com.test does not find known.com (so it says)")


def test_a_lie_that_takes_nothing_from_a_name_in_a_check_leaves_the_check_as_it_is() -> None:
    """Another server denied the name, and its verdict is taken at the end of the check in any case."""
    rooms = TrustRooms()
    entry = loaded_name(rooms, "gone.com", WHOIS)
    known, _ = await_servers(rooms, entry, RDAP)
    entry.check = Check(NOW)
    outcome = answer_canary(rooms, known, Outcome.UNREGISTERED)

    assert (outcome.reconsidered, outcome.released) == ([], ["gone.com"])
    assert (entry.check.voided, entry.check.lie) == ({}, "")


def test_a_name_that_left_the_list_is_released_and_not_reconsidered() -> None:
    """Its canaries were under way."""
    rooms = TrustRooms()
    entry = loaded_name(rooms, "gone.com", RDAP)
    known, random = await_servers(rooms, entry, RDAP)
    rooms.domains.stages.unwatch_name(entry.id)
    answer_canary(rooms, known, Outcome.REGISTERED)
    outcome = answer_canary(rooms, random, Outcome.UNREGISTERED)

    assert (outcome.reconsidered, outcome.released) == ([], ["gone.com"])


def test_an_answer_that_says_nothing_reconsiders_the_names_when_it_is_the_last() -> None:
    """Nothing more can be expected; the server is neither verified nor caught."""
    rooms = TrustRooms()
    entry = loaded_name(rooms, "gone.com", RDAP)
    known, random = await_servers(rooms, entry, RDAP)
    silence = Observation("rdap", unknown_reading("rdap_timeout", "no answer in time"), server=RDAP.server)
    rooms.canaries.take_canary_outcome(known, silence, NOW + 1.0)
    outcome = rooms.canaries.take_canary_outcome(random, silence, NOW + 1.0)

    assert outcome == CanaryOutcome(reconsidered=[Reconsidered(entry, SINCE, {}, "")], released=["gone.com"])
    assert not rooms.trust.is_verified(RDAP, NOW + 1.0)
    assert not rooms.trust.is_distrusted(RDAP, NOW + 1.0)
    assert graded(rooms) == {"rdap unanswered": 2}


def test_a_canary_without_an_answer_releases_the_names_and_lets_them_go_on() -> None:
    """They still count as waiting for a while: the answer may yet come of another query."""
    rooms = TrustRooms()
    entry = loaded_name(rooms, "gone.com", RDAP)
    known, random = await_servers(rooms, entry, RDAP)

    assert rooms.canaries.take_unanswered(known, NOW + 20.0) == []
    assert rooms.canaries.take_unanswered(random, NOW + 20.0) == ["gone.com"]
    assert entry.awaited == set()
    assert not rooms.canaries.is_on_way(RDAP)
    assert rooms.canaries.waiting_names() == {"gone.com"}


def test_a_server_that_is_verified_ends_the_wait_of_its_suffix() -> None:
    """No canary is missing there any more."""
    rooms = TrustRooms()
    rooms.canaries.gaps.set_waiting("gone.com", [RDAP], NOW - 1000.0)
    assert rooms.canaries.gaps.find_open(NOW)
    for probe in await_servers(rooms, loaded_name(rooms, "gone.com", RDAP), RDAP):
        answer_canary(rooms, probe, RIGHT[probe.registered])

    assert rooms.canaries.gaps.find_open(NOW) == []


# -- disputes about a canary ---------------------------------------------------------------------------------------------


def test_a_canary_that_the_other_side_denies_too_is_gone_and_its_servers_are_pardoned() -> None:
    """No server was wrong; the canary is not used again, and a query about it that is still under way accuses none."""
    rooms = TrustRooms(canaries={"com": ("known.com", "second.com")})
    known, random = await_servers(rooms, loaded_name(rooms, "gone.com", RDAP), RDAP)
    answer_canary(rooms, known, Outcome.UNREGISTERED)
    (asked,) = rooms.take_canaries()
    assert asked.probe is not None
    outcome = answer_canary(rooms, asked.probe, Outcome.UNREGISTERED)

    assert outcome == CanaryOutcome(settled=[Settled(RDAP, wrong=False)])
    assert not rooms.trust.is_distrusted(RDAP, NOW + 2.0)
    assert rooms.known_names.is_dead("known.com")
    assert answer_canary(rooms, Probe(WHOIS, "known.com", registered=True), Outcome.UNREGISTERED).failures == []
    answer_canary(rooms, random, Outcome.UNREGISTERED)
    assert await_servers(rooms, loaded_name(rooms, "free.com", RDAP), RDAP)[0].domain == "second.com"


def test_names_that_wait_for_the_side_that_ends_a_canary_are_released_with_its_last_answer() -> None:
    """A dead canary says nothing about them: no verdict is taken anew, and the answer counts neither for nor against."""
    rooms = TrustRooms()
    waits = loaded_name(rooms, "waits.com", ZONE)
    known, random = await_servers(rooms, waits, ZONE)
    rooms.canaries.take_unanswered(known, NOW)
    lied, _ = await_servers(rooms, loaded_name(rooms, "gone.com", RDAP), RDAP)
    answer_canary(rooms, lied, Outcome.UNREGISTERED)
    rooms.canaries.take_unanswered(random, NOW)
    outcome = answer_canary(rooms, known, Outcome.UNREGISTERED)

    assert outcome == CanaryOutcome(settled=[Settled(RDAP, wrong=False)], released=["waits.com"])
    assert waits.awaited == set()
    assert rooms.canaries.waiting_names() == set()
    assert graded(rooms) == {"rdap lie": 1}


def test_names_wait_on_while_another_canary_of_the_side_that_ends_one_is_on_its_way() -> None:
    """Its answer still says something about them."""
    rooms = TrustRooms()
    waits = loaded_name(rooms, "waits.com", ZONE)
    known, _ = await_servers(rooms, waits, ZONE)
    lied, _ = await_servers(rooms, loaded_name(rooms, "gone.com", RDAP), RDAP)
    answer_canary(rooms, lied, Outcome.UNREGISTERED)

    assert answer_canary(rooms, known, Outcome.UNREGISTERED) == CanaryOutcome(settled=[Settled(RDAP, wrong=False)])
    assert waits.awaited == {ZONE}
    assert "waits.com" in rooms.canaries.waiting_names()


def test_a_canary_that_the_other_side_knows_settles_that_the_server_was_wrong() -> None:
    """It stays in quarantine."""
    rooms = TrustRooms()
    known, _ = await_servers(rooms, loaded_name(rooms, "gone.com", RDAP), RDAP)
    answer_canary(rooms, known, Outcome.UNREGISTERED)
    outcome = answer_canary(rooms, Probe(ZONE, "known.com", registered=True), Outcome.REGISTERED)

    assert outcome.settled == [Settled(RDAP, wrong=True)]
    assert rooms.trust.is_quarantined(RDAP, NOW + 2.0)


def test_a_canary_that_its_registry_took_out_of_the_zone_is_a_bad_one() -> None:
    """The zone denied it rightly, and goes on to be believed."""
    rooms = TrustRooms()
    zone = Probe(ZONE, "known.com", registered=True)
    rooms.canaries.ask_canary(zone, NOW)
    rooms.canaries.ask_canary(Probe(RDAP, "known.com", registered=True), NOW)
    assert answer_canary(rooms, zone, Outcome.UNREGISTERED).failures == [Failure(ZONE, {}, doubted=True)]
    suspended = Observation(
        "rdap", Reading(Outcome.REGISTERED, "rdap_200_match", "found", Phase.UNDELEGATED), server=RDAP.server
    )
    outcome = rooms.canaries.take_canary_outcome(Probe(RDAP, "known.com", registered=True), suspended, NOW + 2.0)

    assert outcome.settled == [Settled(ZONE, wrong=False)]
    assert rooms.known_names.is_dead("known.com")
    assert not rooms.trust.is_distrusted(ZONE, NOW + 2.0)


# -- what was heard of a server in quarantine ----------------------------------------------------------------------------


def test_a_check_loses_what_a_server_in_quarantine_said_in_it() -> None:
    """It is a failure of the server where it was said before the server was caught."""
    rooms = TrustRooms()
    before, after = loaded_name(rooms, "before.com", RDAP, WHOIS), loaded_name(rooms, "after.com", RDAP, at=NOW + 5.0)
    catch_lie(rooms, RDAP, NOW + 1.0)
    dropped, check = {"rdap": before.detail.evidence["rdap"]}, Check(NOW)

    assert rooms.canaries.drop_lies(before, check, NOW + 6.0) == [Failure(RDAP, dropped, doubted=False)]
    assert (check.voided, set(before.detail.evidence)) == (dropped, {"whois"})
    assert check.lie == "rdap.com.test does not find known.com (so it says)"
    assert rooms.canaries.drop_lies(after, Check(NOW), NOW + 6.0) == []
    assert after.detail.evidence == {}
    assert rooms.canaries.drop_lies(before, Check(NOW), NOW + 1.0 + QUARANTINE) == []


def test_what_was_said_before_the_server_last_passed_a_canary_is_no_failure() -> None:
    """It is kept; what was said in the moment of the lie is one."""
    rooms = TrustRooms()
    early = loaded_name(rooms, "early.com", RDAP, at=NOW - 10.0)
    moment = loaded_name(rooms, "moment.com", RDAP, at=NOW + 1.0)
    dropped = {"rdap": moment.detail.evidence["rdap"]}
    catch_lie(rooms, RDAP, NOW + 1.0)

    assert rooms.canaries.drop_lies(early, Check(NOW), NOW + 2.0) == []
    assert set(early.detail.evidence) == {"rdap"}
    assert rooms.canaries.drop_lies(moment, Check(NOW), NOW + 2.0) == [Failure(RDAP, dropped, doubted=False)]


# -- which names wait, and for how long ----------------------------------------------------------------------------------


def test_a_name_that_waits_for_a_server_in_quarantine_is_held_up_by_nothing() -> None:
    """Nothing is asked of it, so its next pass waits for no canary."""
    rooms = TrustRooms()
    catch_lie(rooms, RDAP, NOW)
    entry = loaded_name(rooms, "gone.com", RDAP)

    assert await_servers(rooms, entry, RDAP) == []
    assert entry.awaited == set()


def test_a_server_is_asked_once_for_all_names_that_wait_for_it() -> None:
    """Its two canaries verify what it said about each of them."""
    rooms = TrustRooms()
    entries = [loaded_name(rooms, name, RDAP) for name in ("a.com", "b.com", "c.com")]
    asked = [len(await_servers(rooms, entry, RDAP)) for entry in entries]

    assert asked == [2, 0, 0]
    assert all(entry.awaited == {RDAP} for entry in entries)


def test_the_next_pass_waits_for_the_slowest_of_the_servers() -> None:
    """Its time limit and three queries at its pace; a zone has no pace, and two hours are the longest."""
    rooms = TrustRooms(limits={"whois/*": Limit("whois/*", 0.05, 1), **PLENTY})
    entry = loaded_name(rooms, "gone.com", RDAP)
    waits = []
    for awaited in ({RDAP}, {ZONE}, {RDAP, WHOIS}, set()):
        entry.awaited = awaited
        waits.append(rooms.canaries.longest_wait(entry, NOW))
    slow = TrustRooms(limits={"*": Limit("*", 1e-4, 1)})
    entry.awaited = {RDAP}

    assert waits == [pytest.approx(15.003), 8.0, 80.0, 0.0]
    assert slow.canaries.longest_wait(entry, NOW) == LONGEST_WAIT


def test_a_server_that_cannot_be_asked_now_counts_by_its_time_limit_alone() -> None:
    """It has no pace that could be divided by."""
    rooms = TrustRooms(pools=())
    entry = loaded_name(rooms, "gone.com", RDAP)
    entry.awaited = {RDAP}

    assert rooms.canaries.longest_wait(entry, NOW) == 15.0


def test_a_name_waits_for_the_servers_of_its_latest_check_only() -> None:
    """Those that an earlier one waited for hold it up no more."""
    rooms = TrustRooms()
    entry = loaded_name(rooms, "gone.com", RDAP, WHOIS)
    await_servers(rooms, entry, WHOIS)
    await_servers(rooms, entry, RDAP)

    assert entry.awaited == {RDAP}


def test_names_that_wait_are_forgotten_a_quarter_of_an_hour_after_their_check() -> None:
    """Unless a canary is still on its way to their server; and at once when they are not loaded any more."""
    rooms = TrustRooms()
    entries = {name: loaded_name(rooms, name, RDAP) for name in ("late.com", "held.com", "evicted.com")}
    for entry in entries.values():
        entry.checked_at = NOW
        await_servers(rooms, entry, RDAP)
    for name in ("late.com", "evicted.com"):
        entries[name].awaited.clear()
    rooms.domains.working_set.evict_entry(entries["evicted.com"].id)
    seen = []
    for now in (NOW + WAIT, NOW + WAIT + 0.1):
        rooms.canaries.forget_waiting(now)
        seen.append(rooms.canaries.waiting_names())

    assert seen == [{"late.com", "held.com"}, {"held.com"}]


def test_the_last_name_that_waits_for_a_server_is_forgotten_like_any_other() -> None:
    """Nothing is left of the wait."""
    rooms = TrustRooms()
    entry = loaded_name(rooms, "gone.com", RDAP)
    entry.checked_at = NOW
    await_servers(rooms, entry, RDAP)
    entry.awaited.clear()
    rooms.canaries.forget_waiting(NOW + WAIT + 0.1)

    assert rooms.canaries.waiting_names() == set()


def test_a_name_that_was_never_checked_waits_only_while_a_canary_is_on_its_way() -> None:
    """No recent check asked for one."""
    rooms = TrustRooms()
    entry = loaded_name(rooms, "new.com", RDAP)
    await_servers(rooms, entry, RDAP)
    rooms.canaries.forget_waiting(NOW)
    assert rooms.canaries.waiting_names() == {"new.com"}

    entry.awaited.clear()
    rooms.canaries.forget_waiting(NOW)
    assert rooms.canaries.waiting_names() == set()


def test_an_answer_to_a_canary_that_was_not_counted_leaves_none_on_its_way() -> None:
    """It is the last one of its server."""
    rooms = TrustRooms()
    answer_canary(rooms, Probe(RDAP, "known.com", registered=True), Outcome.REGISTERED)

    assert not rooms.canaries.is_on_way(RDAP)


def test_a_suffix_without_a_server_gets_no_canary() -> None:
    """There is nothing to ask."""
    rooms = TrustRooms()
    rooms.canaries.ask_canary(Probe(ChannelKey("rdap", "rdap.zz.test", "zz"), "known.zz", registered=True), NOW)

    assert len(rooms.rate_limits.queue) == 0


def test_a_canary_is_queued_as_urgent_at_its_servers_operator() -> None:
    """An alarm waits for it."""
    rooms = TrustRooms()
    rooms.canaries.verify_server(WHOIS, "gone.com", NOW, NOW)
    query = rooms.take_canaries()[0]

    assert (query.method, query.pool, query.server, query.rank) == ("whois", "deep", "whois.com.test", Rank.URGENT)
    assert (query.limit, query.queued, query.budget, query.entry) == (rooms.limit_of(WHOIS), NOW, 20.0, None)
