"""Queries that wait at a slow registrar beyond the end of their check, and hints in a check."""

from __future__ import annotations

from common.core.channels.channel_health import ANSWER_DUE
from common.core.model.channel import Probe
from common.core.model.entry import Entry
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.ids import NEVER
from common.core.model.query import Query
from tests.core.checks.checks_room import NOW, ChecksRoom
from tests.core.checks.denied_names import FREE, ONE, ONE_KEY, REGISTRARS, TWO, answer, denied_name, silence_of, silent_name

#: When the second check of a name begins.
AGAIN = NOW + 40.0
HINT = Observation(ONE, Reading(FREE, "registrar_available_cached", "it was free"), server="one.test")


def waiting_name(room: ChecksRoom) -> Entry:
    """A name whose check ended without its registrar, in whose queue the query still waits."""
    entry = denied_name(room)
    room.checks.take_answer(entry, answer("whois", FREE), NOW + 3)
    room.checks.end_waiting(NOW + ANSWER_DUE + 0.01)
    assert entry.check is None
    return entry


def deny_again(room: ChecksRoom, entry: Entry) -> None:
    """The next check of it, which its zone and its registry deny as well."""
    room.checks.begin_check(entry, AGAIN)
    for method in ("dns", "rdap", "whois"):
        room.checks.take_answer(entry, answer(method, FREE), AGAIN + 1)


def deny_by_zone_alone(room: ChecksRoom, entry: Entry) -> None:
    """A check of a name that begins at NOW, and in which its registry says nothing."""
    room.checks.begin_check(entry, NOW)
    room.checks.take_answer(entry, answer("dns", FREE), NOW + 1)
    for method in ("rdap", "whois"):
        room.checks.take_answer(entry, silence_of(method), NOW + 2)


def queries_at(room: ChecksRoom, method: str) -> list[Query]:
    """The queries about watched names that wait at this registrar; they leave their queue."""
    waiting = room.rate_limits.queue.take_pool("intermediate", NEVER)
    return [query for query in waiting if query.method == method and query.entry is not None]


def test_a_query_that_an_earlier_check_left_at_a_registrar_is_awaited_and_not_queued_again() -> None:
    """One about one name at a time."""
    room = ChecksRoom(sources=REGISTRARS)
    entry = waiting_name(room)
    deny_again(room, entry)

    assert entry.check is not None
    assert entry.check.awaiting == {ONE}
    assert ONE in entry.check.asked
    assert len(queries_at(room, ONE)) == 1


def test_a_query_that_an_earlier_check_left_is_waited_for_no_longer_than_one_that_leaves_now() -> None:
    """To the tick; then the next registrar is asked beside it."""
    room = ChecksRoom(sources=REGISTRARS)
    entry = room.load("a.com")
    entry.queued_until[ONE] = NOW + 1000.0
    deny_by_zone_alone(room, entry)
    assert entry.check is not None
    assert entry.check.sent[ONE] == NOW + 2
    room.checks.end_waiting(NOW + 2 + ANSWER_DUE)
    assert entry.check.awaiting == {ONE}
    room.checks.end_waiting(NOW + 2 + ANSWER_DUE + 0.01)

    assert entry.check.awaiting == {ONE, TWO}
    assert len(queries_at(room, TWO)) == 1


def test_the_answer_to_a_query_that_an_earlier_check_left_ends_the_check_that_awaits_it() -> None:
    """It is one of this check."""
    room = ChecksRoom(sources=REGISTRARS)
    entry = waiting_name(room)
    deny_again(room, entry)
    room.checks.take_answer(entry, answer(ONE, FREE), AGAIN + 2)

    assert entry.check is None
    assert entry.detail.evidence[ONE].at == AGAIN + 2


def test_a_registrar_is_asked_anew_once_the_query_must_have_left_its_queue() -> None:
    """To the tick: at the deadline none is left."""
    for early, sent in ((0.0, False), (0.001, True)):
        room = ChecksRoom(sources=REGISTRARS)
        entry = waiting_name(room)
        queries_at(room, ONE)
        entry.queued_until[ONE] = AGAIN + 1 + early
        deny_again(room, entry)
        assert entry.check is not None
        assert (ONE in entry.check.sent) is sent
        assert len(queries_at(room, ONE)) == (0 if sent else 1)


def test_an_answer_ends_the_wait_for_the_query_of_its_registrar_alone() -> None:
    """Whether a check awaits it or not."""
    room = ChecksRoom(sources=REGISTRARS)
    entry = waiting_name(room)
    assert entry.queued_until.keys() == {ONE}
    entry.queued_until[TWO] = AGAIN
    room.checks.take_answer(entry, silence_of(ONE), AGAIN)
    assert entry.queued_until == {TWO: AGAIN}
    room.checks.take_answer(entry, answer("rdap", FREE), AGAIN)
    assert entry.queued_until == {TWO: AGAIN}


def test_a_query_that_is_lost_is_not_waited_for_any_more() -> None:
    """Whether its check is over or not; a canary at the same registrar is none about the name."""
    for over in (True, False):
        room = ChecksRoom(sources=REGISTRARS)
        entry = waiting_name(room) if over else denied_name(room)
        (query,) = queries_at(room, ONE)
        entry.queued_until[TWO] = AGAIN
        room.canaries.ask_canary(Probe(ONE_KEY, "known.com", registered=True), NOW)
        (canary,) = room.rate_limits.queue.take_pool("intermediate", NEVER)
        room.checks.take_no_answer(canary, NOW + 5)
        assert entry.queued_until.keys() == {ONE, TWO}
        room.checks.take_no_answer(query, NOW + 5)
        assert entry.queued_until == {TWO: AGAIN}


def test_queries_beside_overdue_ones_are_not_queued_twice_at_a_registrar() -> None:
    """Nor is one that an earlier check left there."""
    for left, queued in ((True, 0), (False, 1)):
        room = ChecksRoom(sources=REGISTRARS)
        entry = room.load("a.com")
        if left:
            entry.queued_until[ONE] = NOW + 100
        room.checks.begin_check(entry, NOW)
        room.checks.take_answer(entry, answer("dns", FREE), NOW + 1)
        room.checks.take_answer(entry, silence_of("rdap"), NOW + 2)
        room.checks.note_sent(entry, "whois", NOW + 2)
        assert entry.check is not None
        assert entry.check.awaiting == {"whois"}
        room.checks.end_waiting(NOW + 2 + ANSWER_DUE + 0.01)
        assert entry.check is not None
        assert entry.check.awaiting == {ONE, "whois"}
        assert len(queries_at(room, ONE)) == queued


# -- hints ---------------------------------------------------------------------------------------------------------------


def test_a_hint_counts_as_silence_in_its_check() -> None:
    """The name is not denied by it: the next registrar is asked, and nothing makes a pass; as evidence it is kept."""
    room = ChecksRoom(sources=REGISTRARS)
    entry = silent_name(room)
    room.checks.take_answer(entry, HINT, NOW + 3)
    assert entry.check is not None
    assert entry.check.outcomes[ONE] is Outcome.UNKNOWN
    assert entry.check.awaiting == {TWO}
    assert entry.detail.evidence[ONE].observation == HINT
    assert entry.detail.purged_at is None
    room.checks.take_answer(entry, silence_of(TWO), NOW + 4)

    assert entry.check is None
    assert entry.detail.passes == ()


def test_an_offer_of_the_same_outcome_that_is_no_hint_denies_the_name() -> None:
    """Every channel is asked then."""
    room = ChecksRoom(sources=REGISTRARS)
    entry = silent_name(room)
    room.checks.take_answer(entry, answer(ONE, FREE), NOW + 3)

    assert entry.detail.purged_at == NOW + 3
    assert entry.check is None or entry.check.outcomes[ONE] is FREE
