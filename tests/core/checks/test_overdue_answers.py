"""How long a check waits for answers, and what it queries beside those that are overdue."""

from __future__ import annotations

import pytest

from common.core.channels.channel_health import ANSWER_DUE
from common.core.model.entry import Entry
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.limit import Limit
from tests.core.checks.checks_room import NOW, PLENTY, WHOIS, ChecksRoom
from tests.core.checks.denied_names import FREE, ONE, REGISTRARS, answer, denied_name, silence_of, silent_name


def test_a_registrar_is_waited_for_no_longer_than_an_answer_is_due_after_the_beginning_of_its_check() -> None:
    """To the tick, whenever its query left: a slow vendor holds no pass back."""
    room = ChecksRoom(sources=REGISTRARS)
    entry = denied_name(room)
    room.checks.take_answer(entry, answer("whois", FREE), NOW + 3)
    assert entry.check is not None
    room.checks.note_sent(entry, ONE, NOW + 4)
    room.checks.end_waiting(NOW + ANSWER_DUE)
    assert entry.check is not None
    room.checks.end_waiting(NOW + ANSWER_DUE + 0.01)

    assert entry.check is None
    assert entry.detail.passes == (NOW + ANSWER_DUE + 0.01,)


def test_other_channels_are_waited_for_from_when_their_query_left() -> None:
    """Also where a registrar is over its time."""
    room = ChecksRoom(sources=REGISTRARS)
    entry = denied_name(room)
    assert entry.check is not None
    for method in ("whois", ONE):
        room.checks.note_sent(entry, method, NOW + 3)
    room.checks.end_waiting(NOW + 3 + ANSWER_DUE)
    assert entry.check is not None
    room.checks.end_waiting(NOW + 3 + ANSWER_DUE + 0.01)
    assert entry.check is None


@pytest.mark.parametrize("sent", [NOW + 3, None])
def test_no_check_goes_without_a_registrar_before_an_answer_is_due(sent: float | None) -> None:
    """Whether its query left long before the check began, or not at all."""
    room = ChecksRoom(sources=REGISTRARS)
    entry = denied_name(room)
    room.checks.take_answer(entry, answer("whois", FREE), NOW + 3)
    assert entry.check is not None
    room.checks.note_sent(entry, ONE, NOW - 60 if sent is None else sent)
    room.checks.end_waiting(NOW + ANSWER_DUE)
    assert entry.check is not None
    assert entry.check.awaiting == {ONE}
    room.checks.end_waiting(NOW + ANSWER_DUE + 0.01)
    assert entry.check is None


def test_a_registrar_whose_query_waits_for_a_token_holds_no_pass_back() -> None:
    """Once the name is denied; a channel of the registry whose query waits for one does."""
    room = ChecksRoom(sources=REGISTRARS)
    entry = denied_name(room)
    assert entry.check is not None
    assert (entry.check.awaiting, entry.check.sent) == ({ONE, "whois"}, {})
    room.checks.end_waiting(NOW + 600.0)
    assert entry.check is not None
    room.checks.take_answer(entry, answer("whois", FREE), NOW + 600.0)
    room.checks.end_waiting(NOW + 600.0)

    assert entry.check is None


def test_an_overdue_channel_beside_a_registrar_that_waits_for_a_token_holds_no_pass_back() -> None:
    """Neither of them is waited for."""
    room = ChecksRoom(sources=REGISTRARS)
    entry = denied_name(room)
    assert entry.check is not None
    room.checks.note_sent(entry, "whois", NOW + 3)
    room.checks.end_waiting(NOW + 3 + ANSWER_DUE)
    assert entry.check is not None
    room.checks.end_waiting(NOW + 3 + ANSWER_DUE + 0.01)
    assert entry.check is None


def test_a_slow_channel_is_waited_for_no_longer_because_its_query_waits_for_a_token() -> None:
    """Once the name is denied and was seen registered before: the fast one is enough for an alarm."""
    limits = {**PLENTY, "whois/whois.com.test": Limit("y", 1e-5, 1, None)}
    room = ChecksRoom(limits=limits)
    entry = denied_name(room)
    entry.detail.registered_seen = NOW - 3600.0
    assert entry.check is not None
    assert entry.check.awaiting == {"whois"}
    room.checks.end_waiting(NOW + ANSWER_DUE)
    assert entry.check is not None
    room.checks.end_waiting(NOW + ANSWER_DUE + 0.01)

    assert entry.check is None


def test_a_check_in_which_nothing_denies_the_name_waits_for_queries_that_did_not_leave() -> None:
    """Of a registrar too: there is no pass that could go without it, and nothing is queried beside."""
    room = ChecksRoom(sources=REGISTRARS)
    entry = silent_name(room)
    assert entry.check is not None
    assert entry.check.awaiting == {ONE}
    room.checks.end_waiting(NOW + 600.0)

    assert entry.check is not None
    assert (entry.check.awaiting, entry.check.beside) == ({ONE}, 0)


# -- what is queried beside overdue answers ------------------------------------------------------------------------------


def overdue_name(room: ChecksRoom, *, dns: Outcome = FREE) -> Entry:
    """A name whose check began at NOW, whose zone said this, and whose RDAP query left two seconds later."""
    entry = room.load("a.com")
    room.checks.begin_check(entry, NOW)
    room.checks.take_answer(entry, answer("dns", dns), NOW + 1)
    assert entry.check is not None
    room.checks.note_sent(entry, "rdap", NOW + 2)
    room.waiting_queries()
    return entry


def test_what_comes_next_is_queried_beside_an_overdue_answer_and_both_are_awaited() -> None:
    """To the tick."""
    room = ChecksRoom()
    entry = overdue_name(room)
    assert entry.check is not None
    room.checks.end_waiting(NOW + 2 + ANSWER_DUE)
    assert room.waiting_queries() == []
    room.checks.end_waiting(NOW + 2 + ANSWER_DUE + 0.01)

    assert room.waiting_queries() == [("whois", "a.com")]
    assert (entry.check.awaiting, entry.check.asked) == ({"rdap", "whois"}, {"dns", "rdap", "whois"})
    assert entry.check.beside == 2


def test_beside_the_same_overdue_answers_the_next_methods_are_queried_once() -> None:
    """Also where nothing could be queried then; once those are overdue too, the ones after them are."""
    room = ChecksRoom(sources=REGISTRARS)
    entry = overdue_name(room)
    assert entry.check is not None
    for _ in range(2):
        room.checks.end_waiting(NOW + 10)
    assert room.waiting_queries() == [("whois", "a.com")]
    room.checks.note_sent(entry, "whois", NOW + 11)
    room.checks.end_waiting(NOW + 11 + ANSWER_DUE)
    assert room.waiting_queries() == []
    room.checks.end_waiting(NOW + 11 + ANSWER_DUE + 0.01)
    assert room.waiting_queries() == [(ONE, "a.com")]

    assert entry.check.awaiting == {"rdap", "whois", ONE}


def test_an_overdue_check_with_nothing_left_to_query_is_not_looked_at_again() -> None:
    """A registrar that comes back meanwhile is queried once an answer has come."""
    room = ChecksRoom(sources=REGISTRARS[:1])
    key = room.registries.channel_of(ONE, "com")
    room.trust.row_of(key).quarantined_until = NOW + 30
    entry = overdue_name(room)
    assert entry.check is not None
    room.checks.end_waiting(NOW + 10)
    room.checks.note_sent(entry, "whois", NOW + 10)
    room.checks.end_waiting(NOW + 20)
    room.waiting_queries()
    room.checks.end_waiting(NOW + 40)
    assert room.waiting_queries() == []
    for method in ("rdap", "whois"):
        room.checks.take_answer(entry, silence_of(method), NOW + 41)

    assert room.waiting_queries() == [(ONE, "a.com")]


def test_a_method_that_takes_no_query_is_not_awaited_beside_others() -> None:
    """Its operator limits us."""
    room = ChecksRoom()
    entry = overdue_name(room)
    throttled = Observation("whois", Reading(Outcome.THROTTLED, "whois_throttled", "slow down", retry_after=600.0))
    room.rate_limits.budgets.note_answer(room.registries.limit_of(*WHOIS), "default", throttled, NOW)
    room.checks.end_waiting(NOW + 10)
    assert entry.check is not None

    assert (entry.check.awaiting, entry.check.asked) == ({"rdap"}, {"dns", "rdap", "whois"})
    assert room.waiting_queries() == []


def test_the_late_answer_beside_which_others_were_queried_still_counts() -> None:
    """The check is denied by it, and ends without the others."""
    room = ChecksRoom()
    entry = overdue_name(room)
    room.checks.end_waiting(NOW + 10)
    room.checks.take_answer(entry, answer("rdap", FREE), NOW + 11)
    assert entry.check is not None
    assert entry.check.awaiting == {"whois"}
    room.checks.take_answer(entry, answer("whois", FREE), NOW + 12)

    assert (entry.check, entry.detail.passes) == (None, (NOW + 12,))


def test_beside_the_overdue_record_of_a_delegated_name_nothing_is_queried() -> None:
    """Its zone says that it is registered."""
    room = ChecksRoom(sources=REGISTRARS)
    entry = overdue_name(room, dns=Outcome.REGISTERED)
    assert entry.check is not None
    assert entry.check.awaiting == {"rdap"}
    room.checks.end_waiting(NOW + 10)

    assert room.waiting_queries() == []
    assert entry.check.awaiting == {"rdap"}
