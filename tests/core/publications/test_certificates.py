"""Checks that certificates ask for: who is asked about, how often, and that nothing is concluded from a certificate."""

from __future__ import annotations

import pytest

from common.core.model.entry import Entry, Rank
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.ids import NEVER
from common.core.model.methods import CERTIFICATE, LIST
from common.core.model.publication import ListedName
from common.core.model.records import Evidence
from common.core.model.states import ANNOUNCED, State
from common.core.model.verdict import Situation
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN
from common.core.publications.certificates import APART, MINUTE, PER_MINUTE
from common.core.publications.joins import UNHEARD
from common.core.publications.listings import certificate_reading
from common.core.verdict.verdicts import decide_verdict, log_odds
from common.messages import PublicationPart, PublicationStatus
from tests.core.checks.checks_room import NOW
from tests.core.publications.publications_room import PublicationsRoom

SEEN = NOW - 5


def status(checked_at: float, problem: str = "") -> PublicationStatus:
    """How the stream went."""
    return PublicationStatus("certificates", checked_at, checked_at - 1, problem, 500, 10.0)


def answered(room: PublicationsRoom, name: str, method: str, outcome: Outcome, finding: str, *, now: float = NOW) -> None:
    """An answer to a query of a name's check."""
    room.checks.take_answer(room.entry_of(name), Observation(method, Reading(outcome, finding, "said"), server="s"), now)


def announce(room: PublicationsRoom, name: str) -> Entry:
    """A name that was announced ten days ago, and that its registry denied a minute ago."""
    entry = room.load(name)
    entry.state, entry.since = State.AVAILABLE, NOW - 10 * 86_400
    denial = Observation("rdap", Reading(Outcome.UNREGISTERED, "rdap_404_json", "not found"), server="s")
    entry.detail.evidence["rdap"] = Evidence(denial, NOW - 60, NOW - 60)
    return entry


def test_a_certificate_for_a_free_name_asks_dns_and_then_the_registry() -> None:
    """The registry too, although the zone knows nothing new and an announced name would be left alone for hours."""
    room = PublicationsRoom()
    announce(room, "a.com")
    room.tell("certificates", ["a.com", "not-watched.com"], made_at=SEEN)

    assert room.asked() == [("dns", "a.com")]
    answered(room, "a.com", "dns", Outcome.UNREGISTERED, "dns_auth_nxdomain")
    queries = room.rate_limits.queue.take_pool("intermediate", NEVER)
    assert [(query.method, query.domain, query.rank) for query in queries] == [("rdap", "a.com", Rank.NEWS)]


def test_a_check_without_a_certificate_asks_dns_alone() -> None:
    """What the certificate adds is the question to the registry."""
    room = PublicationsRoom()
    room.checks.begin_check(announce(room, "a.com"), NOW)
    assert room.waiting_queries() == [("dns", "a.com")]
    answered(room, "a.com", "dns", Outcome.UNREGISTERED, "dns_auth_nxdomain")

    assert [query for query in room.waiting_queries() if query[1] == "a.com"] == []


def test_a_certificate_for_a_name_that_a_sweep_asks_about_asks_the_registry_too() -> None:
    """The answer of the sweep is not all that is looked at."""
    room = PublicationsRoom()
    entry = announce(room, "a.com")
    gone = Observation("dns", Reading(Outcome.UNREGISTERED, "dns_auth_nxdomain", "gone"), server="com")
    room.starts.request_from_sweep(entry.id, gone, NOW)
    room.tell("certificates", ["a.com"], made_at=SEEN)

    assert room.asked() == [("dns", "a.com")]
    assert entry.check is not None
    assert entry.check.asks_registry


def test_the_certificate_is_kept_with_its_time_and_beside_a_list() -> None:
    """First and last one, under a name of its own: what the registry lists stays."""
    room = PublicationsRoom()
    room.watch_in(State.PENDING_DELETE, "a.uk", code=NXDOMAIN)
    room.tell("uk-drops", [("a.uk", NOW + 86_400)])
    room.begin()
    room.tell("certificates", ["a.uk"], made_at=SEEN)
    room.begin()
    detail = room.entry_of("a.uk").detail

    item = detail.evidence[CERTIFICATE]
    assert (item.at, item.first_at, item.observation.server) == (SEEN, SEEN, "certificates")
    assert (item.observation.reading.outcome, item.observation.reading.finding) == (Outcome.UNKNOWN, "certificate_seen")
    assert detail.evidence[LIST].observation.reading.finding == "list_drop"
    assert room.domains.journal.is_unwritten(room.entry_of("a.uk"))
    room.entry_of("a.uk").check = None
    room.tell("uk-drops", [], made_at=NOW - 500)
    room.begin()
    assert (CERTIFICATE in detail.evidence, LIST in detail.evidence) == (True, False)


def test_a_certificate_takes_nothing_back_and_ends_no_run() -> None:
    """It may be older than the purge: an announcement stands, and so do passes on the way to one."""
    room = PublicationsRoom()
    for name, state in (("free.com", State.AVAILABLE), ("soon.com", State.PENDING_DELETE)):
        entry = room.load(name)
        denial = Observation("rdap", Reading(Outcome.UNREGISTERED, "rdap_404_json", "not found"), server="s")
        entry.detail.evidence["rdap"] = Evidence(denial, NOW - 60, NOW - 60)
        entry.state, entry.detail.purged_at, entry.detail.passes = state, NOW - 60, (NOW - 60,)
        entry.detail.verified = (NOW - 60,)
    room.tell("certificates", ["free.com", "soon.com"], made_at=NOW)
    room.begin()

    for name, state in (("free.com", State.AVAILABLE), ("soon.com", State.PENDING_DELETE)):
        entry = room.entry_of(name)
        assert (entry.state, entry.detail.purged_at, entry.detail.passes) == (state, NOW - 60, (NOW - 60,))
        assert entry.detail.verified == (NOW - 60,)
        assert entry.detail.contradicted_at is None
    assert not room.domains.journal.has_events()


@pytest.mark.parametrize("before", [State.UNKNOWN, State.REGISTERED, State.AVAILABLE, State.PENDING_DELETE])
def test_a_verdict_is_the_same_with_and_without_a_certificate(before: State) -> None:
    """State, odds and confidence, with a denial beside it and with nothing."""
    certificate = Evidence(Observation(CERTIFICATE, certificate_reading(), server="certificates"), NOW, NOW)
    denial = Evidence(Observation("rdap", Reading(Outcome.UNREGISTERED, "rdap_404_json", "")), NOW - 60, NOW - 60)
    situation = Situation(prior=9.0, p_registrable=1.0, phase=None)
    for evidence in ({}, {"rdap": denial}):
        both = {**evidence, CERTIFICATE: certificate}
        assert decide_verdict(both, situation, before, NOW) == decide_verdict(evidence, situation, before, NOW)
        assert log_odds(both, situation, NOW) == log_odds(evidence, situation, NOW)
    assert decide_verdict({CERTIFICATE: certificate}, situation, State.UNKNOWN, NOW).state not in ANNOUNCED


def test_delegated_names_are_left_alone() -> None:
    """They are taken already: a loaded one, and one of which only the last look is known."""
    room = PublicationsRoom()
    room.watch_in(State.REGISTERED, "a.com", code=DELEGATED)
    entry = room.load("b.com")
    referral = Observation("dns", Reading(Outcome.REGISTERED, "dns_auth_referral", ""))
    entry.detail.evidence["dns"] = Evidence(referral, NOW - 60, NOW - 60)
    room.tell("certificates", ["a.com", "b.com"], made_at=SEEN)

    assert room.asked() == []
    assert CERTIFICATE not in entry.detail.evidence
    assert room.joins.show_rows(NOW)[0]["joined"] == 2


def test_a_name_is_checked_once_an_hour_however_many_certificates_it_gets() -> None:
    """And again after that."""
    room = PublicationsRoom()
    entry = room.load("a.com")
    for after, asked in ((0.0, True), (1.0, False), (APART - 1, False), (APART, True), (APART + 1, False)):
        room.domains.stages.schedule_check(entry, NOW + 10 * APART)
        entry.check = None
        room.tell("certificates", ["a.com"], made_at=NOW + after, now=NOW + after)
        room.begin(NOW + after)
        assert (room.waiting_queries() == [("dns", "a.com")]) is asked, after


def test_checks_in_a_minute_are_bounded_and_the_others_wait() -> None:
    """A flood of certificates takes its turn."""
    room = PublicationsRoom()
    names = [f"n{number}.com" for number in range(PER_MINUTE + 5)]
    room.watch(*names)
    room.tell("certificates", names, made_at=SEEN)
    assert len(room.asked()) == PER_MINUTE
    room.joins.release_waiting(NOW + MINUTE - 1)
    assert room.asked() == []
    room.joins.release_waiting(NOW + MINUTE)
    assert room.asked() == [("dns", name) for name in sorted(names[PER_MINUTE:])]


def test_names_that_wait_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than that are passed over."""
    monkeypatch.setattr("common.core.publications.certificates.MOST_WAITING", 3)
    room = PublicationsRoom()
    names = [f"n{number}.com" for number in range(5)]
    room.watch(*names)
    room.tell("certificates", names, made_at=SEEN)
    assert room.asked() == [("dns", name) for name in names[:3]]


def part(names: list[str]) -> PublicationPart:
    """Names of certificates."""
    return PublicationPart("certificates", SEEN, SEEN, 0, True, 9, tuple(map(ListedName, names)))


def test_a_check_under_way_is_waited_for() -> None:
    """It may have asked before the name was taken."""
    room = PublicationsRoom()
    entry = room.load("a.com")
    room.checks.begin_check(entry, NOW)
    room.waiting_queries()
    room.tell("certificates", ["a.com"], made_at=SEEN)
    assert room.asked() == []
    entry.check = None
    room.domains.stages.schedule_check(entry, NOW + APART)
    room.joins.release_waiting(NOW + 1)
    assert room.asked() == [("dns", "a.com")]


def test_a_name_that_left_the_list_is_passed_over() -> None:
    """While it waits, and before."""
    room = PublicationsRoom()
    ids = room.watch("a.com", "b.com")
    room.joins.take_part(part(["a.com"]), NOW)
    for name_id in ids.tolist():
        room.domains.stages.unwatch_name(name_id)
    room.joins.take_part(part(["b.com"]), NOW)
    room.joins.release_waiting(NOW)

    assert room.asked() == []
    assert room.joins.show_rows(NOW)[0]["joined"] == 1


def test_a_certificate_of_the_future_is_dated_now() -> None:
    """Clocks differ."""
    room = PublicationsRoom()
    room.load("a.com")
    room.tell("certificates", ["a.com"], made_at=NOW + 500)
    room.begin()

    assert room.entry_of("a.com").detail.evidence[CERTIFICATE].at == NOW


def test_how_the_stream_goes_is_shown() -> None:
    """Since when it is silent, what is wrong, and that its reader is missing."""
    room = PublicationsRoom()
    room.joins.take_status(status(NOW))
    (row,) = room.joins.show_rows(NOW)
    assert (row["name"], row["kind"], row["suffixes"], row["next"]) == ("certificates", "certificates", [], None)
    assert (row["checked_at"], row["made_at"], row["size"], row["problem"]) == (NOW, NOW - 1, 500, None)
    room.joins.take_status(status(NOW, "no certificate since then"))
    assert room.joins.show_rows(NOW + UNHEARD)[0]["problem"] == "no certificate since then"
    assert room.joins.show_rows(NOW + UNHEARD + 1)[0]["problem"] == "its reader said nothing for 121 s"
    room.joins.take_status(status(NOW + 10))
    assert room.joins.show_rows(NOW + 10)[0]["problem"] is None
