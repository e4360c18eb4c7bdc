"""Which server is believed."""

from __future__ import annotations

from random import Random

import pytest

from common.core.model.channel import ChannelKey, Probe
from common.core.model.evidence import Observation, Outcome, Reading, unknown_reading
from common.core.model.records import Canary, TrustRow
from common.core.trust import server_trust as trust_module
from common.core.trust.server_trust import LIMIT, QUARANTINE, VERIFIED_FOR, Trust, canary_window, grade_answer
from common.core.trust.server_trust import is_verified as green_row

KEY = ChannelKey("rdap", "rdap.example", "com")
NOW = 1_790_000_000.0


def answer(outcome: Outcome) -> Observation:
    """What a server said to a canary."""
    return Observation("rdap", Reading(outcome, "rdap_404_json", "so it says"), server="rdap.example")


def green(trust: Trust, now: float) -> None:
    """Both canaries answered rightly."""
    trust.note_answer(Probe(KEY, "known.com", registered=True), answer(Outcome.REGISTERED), now)
    trust.note_answer(Probe(KEY, "random.com", registered=False), answer(Outcome.UNREGISTERED), now)


def restored(*rows: TrustRow, now: float = NOW) -> Trust:
    """What is taken over at `now` from a store that holds these records."""
    trust = Trust()
    trust.restore_rows(rows, now)
    return trust


def test_a_new_server_is_asked_both_canaries_and_trusted_only_after_both() -> None:
    """One right answer is not enough."""
    trust = Trust()
    probes = trust.find_probes(KEY, NOW, ("known.com",), NOW, Random(1))
    assert [probe.registered for probe in probes] == [True, False]

    trust.note_answer(probes[0], answer(Outcome.REGISTERED), NOW)
    assert not trust.is_verified(KEY, NOW)
    trust.note_answer(probes[1], answer(Outcome.UNREGISTERED), NOW)
    assert trust.is_verified(KEY, NOW)


def test_green_lasts_ten_minutes() -> None:
    """Old canaries do not vouch for new answers."""
    trust = Trust()
    green(trust, NOW)

    assert trust.is_verified(KEY, NOW + VERIFIED_FOR)
    assert not trust.is_verified(KEY, NOW + VERIFIED_FOR + 1)


def test_a_positive_is_bracketed_only_by_a_canary_after_it() -> None:
    """The known name must be found again after the answer that is to count."""
    trust = Trust()
    green(trust, NOW)

    assert not trust.is_verified_after(KEY, NOW + 5, NOW + 6)
    trust.note_answer(Probe(KEY, "known.com", registered=True), answer(Outcome.REGISTERED), NOW + 6)
    assert trust.is_verified_after(KEY, NOW + 5, NOW + 6)


def test_a_server_that_loses_a_name_it_knew_is_quarantined() -> None:
    """A lie shuts the server out, and it must pass both canaries to return."""
    trust = Trust()
    green(trust, NOW)
    lie = trust.note_answer(Probe(KEY, "known.com", registered=True), answer(Outcome.UNREGISTERED), NOW + 10)

    assert lie is not None
    assert trust.is_quarantined(KEY, NOW + 11)
    assert not trust.is_verified(KEY, NOW + 11)
    green(trust, NOW + 11 + QUARANTINE)
    assert trust.is_verified(KEY, NOW + 11 + QUARANTINE)


def test_a_server_that_finds_a_random_name_is_quarantined() -> None:
    """A server that finds everything is no better than one that finds nothing."""
    trust = Trust()

    assert trust.note_answer(Probe(KEY, "qqq.com", registered=False), answer(Outcome.REGISTERED), NOW) is not None


def test_an_error_says_nothing_about_a_server() -> None:
    """A throttled canary neither vouches nor accuses."""
    trust = Trust()
    green(trust, NOW)
    silence = Observation("rdap", unknown_reading("rdap_429", "slow down"))

    assert trust.note_answer(Probe(KEY, "known.com", registered=True), silence, NOW + 1) is None
    assert trust.is_verified(KEY, NOW + 1)


def test_a_built_in_canary_that_was_never_found_does_not_accuse() -> None:
    """It may not be registered: it is dropped, the server stays merely unproven."""
    trust = Trust()

    assert trust.note_answer(Probe(KEY, "nic.com", registered=True), answer(Outcome.UNREGISTERED), NOW) is None
    assert not trust.is_verified(KEY, NOW)
    assert trust.find_probes(KEY, NOW, ("nic.com", "other.com"), NOW, Random(1))[0].domain == "other.com"


def test_a_canary_that_is_surely_registered_accuses_at_once() -> None:
    """The operator's own canaries are certain."""
    trust = Trust()

    assert trust.note_answer(Probe(KEY, "mine.com", registered=True), answer(Outcome.UNREGISTERED), NOW, certain=True)


def test_trust_survives_a_restart() -> None:
    """Rows written are rows read."""
    trust = Trust()
    green(trust, NOW)

    later = Trust()
    later.restore_rows(trust.all_rows(), NOW + 1)
    assert later.is_verified(KEY, NOW + 1)


def test_the_canaries_of_a_server_are_told_as_they_stand_and_shared() -> None:
    """What an answer keeps of them is one object for all names that were answered in the meantime."""
    trust = Trust()
    assert trust.canary_of(KEY, NOW) == Canary()
    green(trust, NOW)

    assert trust.canary_of(KEY, NOW + 1) == Canary(NOW, NOW, green=True)
    assert trust.canary_of(KEY, NOW + 2) is trust.canary_of(KEY, NOW + 1)
    assert trust.canary_of(KEY, NOW + VERIFIED_FOR + 1) == Canary(NOW, NOW, green=False)


def test_an_answer_to_a_canary_is_ok_wrong_or_none() -> None:
    """A refusal of a made-up name is as good as "not found"; errors are no answer."""
    known, made_up = Probe(KEY, "known.com", registered=True), Probe(KEY, "random.com", registered=False)

    assert [grade_answer(known, outcome) for outcome in (Outcome.REGISTERED, Outcome.UNREGISTERED)] == ["ok", "wrong"]
    assert [grade_answer(made_up, outcome) for outcome in (Outcome.REGISTERED, Outcome.INVALID)] == ["wrong", "ok"]
    assert grade_answer(known, Outcome.THROTTLED) == grade_answer(made_up, Outcome.UNKNOWN) == "unanswered"


#: What the answer of a source that creates names to a canary is worth, by whether the canary is registered.
GRADES = {
    Outcome.REGISTERED: ("ok", "wrong"),
    Outcome.UNAVAILABLE: ("ok", "wrong"),
    Outcome.RESERVED: ("ok", "wrong"),
    Outcome.DROPPING: ("ok", "wrong"),
    Outcome.INVALID: ("ok", "wrong"),
    Outcome.UNREGISTERED: ("wrong", "ok"),
    Outcome.PREMIUM: ("wrong", "wrong"),
    Outcome.UNKNOWN: ("unanswered", "unanswered"),
    Outcome.THROTTLED: ("unanswered", "unanswered"),
}


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("method", ["epp", "registrar:one"])
def test_a_source_that_creates_names_must_offer_a_random_one_at_list_price_and_none_that_is_registered(
    method: str, outcome: Outcome
) -> None:
    """Whatever else it says of a random name is wrong, and of a registered one an offer at any price; errors are no answer."""
    key = ChannelKey(method, "one.example", "com")
    probes = Probe(key, "known.com", registered=True), Probe(key, "random.com", registered=False)

    assert tuple(grade_answer(probe, outcome) for probe in probes) == GRADES[outcome]


@pytest.mark.parametrize("outcome", [Outcome.UNAVAILABLE, Outcome.PREMIUM, Outcome.DROPPING])
def test_a_channel_that_creates_no_names_is_not_graded_by_an_offer(outcome: Outcome) -> None:
    """It says neither that the canary is registered nor that it is not."""
    for method in ("rdap", "whois", "das", "dns"):
        key = ChannelKey(method, "one.example", "com")
        for registered in (True, False):
            assert grade_answer(Probe(key, "canary.com", registered=registered), outcome) == "unanswered"


def test_a_registrar_that_refuses_everything_is_never_verified() -> None:
    """It may not sell the suffix: then its refusals say nothing."""
    trust, key = Trust(), ChannelKey("registrar:one", "one.example", "com")
    refuses = Observation(key.method, Reading(Outcome.UNAVAILABLE, "registrar_unavailable", "no"), server=key.server)
    assert trust.note_answer(Probe(key, "known.com", registered=True), refuses, NOW) is None
    lie = trust.note_answer(Probe(key, "random.com", registered=False), refuses, NOW)

    assert lie == "one.example finds random.com (no)"
    assert not trust.is_verified_after(key, NOW, NOW)


def test_a_canary_of_the_future_was_never_green() -> None:
    """The clock was ahead when it was noted: it verifies no server, nor does an accusation last until then."""
    ahead = TrustRow(*KEY, registered_ok=NOW + 86_400, free_ok=NOW + 86_400)
    caught = TrustRow(*KEY, 0.0, 0.0, NOW + 86_400, NOW + 86_400 + QUARANTINE, "a lie")
    assert not green_row(ahead, NOW)

    for row in (ahead, caught):
        trust = Trust()
        trust.restore_rows([row], NOW)
        assert not trust.is_verified(KEY, NOW)
        assert not trust.is_quarantined(KEY, NOW)
        assert [probe.registered for probe in trust.find_probes(KEY, 0.0, ("known.com",), NOW, Random(1))] == [True, False]
        green(trust, NOW + 1)
        assert trust.is_verified(KEY, NOW + 1)


def test_only_so_many_canaries_are_remembered_those_found_last_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that served as canaries for a day do not add up over the years."""
    monkeypatch.setattr(trust_module, "MOST_CANARIES", 3)
    trust = Trust()
    for name in ("a.com", "b.com", "c.com", "a.com", "d.com"):
        trust.note_answer(Probe(KEY, name, registered=True), answer(Outcome.REGISTERED), NOW)
    lies = {
        name: trust.note_answer(Probe(KEY, name, registered=True), answer(Outcome.UNREGISTERED), NOW)
        for name in ("a.com", "b.com", "c.com")
    }

    assert lies["a.com"] is not None
    assert lies["b.com"] is None
    assert lies["c.com"] is not None
    for number in range(9):
        trust.note_answer(Probe(KEY, f"never{number}.com", registered=True), answer(Outcome.UNREGISTERED), NOW)
    for _ in range(2):
        probe = trust.find_probes(KEY, NOW, ("never0.com", "never8.com"), NOW + 1, Random(1))[0]
        assert probe.domain == "never0.com"
        trust.note_answer(probe, answer(Outcome.UNKNOWN), NOW + 1)


@pytest.mark.parametrize(("turns", "queried"), [(0, "a.com"), (1, "b.com"), (2, "c.com"), (3, "a.com")])
@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.UNREGISTERED])
def test_known_names_take_turns_one_after_the_other(outcome: Outcome, turns: int, queried: str) -> None:
    """After each answer that did not help: an error, or a denial by a server that is caught lying by it."""
    trust = Trust()
    for _ in range(turns):
        trust.note_answer(Probe(KEY, "a.com", registered=True), answer(outcome), NOW, certain=True)

    assert trust.find_probes(KEY, NOW, ("a.com", "b.com", "c.com"), NOW, Random(1))[0].domain == queried


def test_names_that_a_server_never_found_are_queried_again_where_there_are_no_others() -> None:
    """Without a known name no alarm could ever be told."""
    trust = Trust()
    trust.note_answer(Probe(KEY, "nic.com", registered=True), answer(Outcome.UNREGISTERED), NOW)

    probes = trust.find_probes(KEY, NOW, ("nic.com",), NOW, Random(1))
    assert [probe.domain for probe in probes if probe.registered] == ["nic.com"]


def test_a_server_that_made_room_begins_anew_when_it_comes_back() -> None:
    """With the first of its known names."""
    trust = Trust()
    trust.note_answer(Probe(KEY, "a.com", registered=True), answer(Outcome.UNKNOWN), NOW)
    trust.row_of(KEY)
    for number in range(LIMIT):
        trust.row_of(ChannelKey("rdap", f"{number}.example", "com")).registered_ok = NOW

    assert trust.find_row(KEY) is None
    assert trust.find_probes(KEY, NOW, ("a.com", "b.com"), NOW, Random(1))[0].domain == "a.com"


def test_a_pardon_leaves_nothing_of_the_accusation_but_its_time() -> None:
    """Times in epoch seconds, 0 for never."""
    trust = restored(TrustRow(*KEY, NOW, NOW, NOW + 1, NOW + 300, "a lie"), now=NOW + 1)
    trust.end_quarantine(KEY)

    assert trust.all_rows() == [TrustRow(*KEY, NOW, NOW, NOW + 1, 0.0, "")]


@pytest.mark.parametrize(
    ("stored", "known"),
    [
        (TrustRow(*KEY, NOW, NOW, NOW, NOW + QUARANTINE, "a lie"), TrustRow(*KEY, NOW, NOW, NOW, NOW + QUARANTINE, "a lie")),
        (TrustRow(*KEY, NOW + 1, NOW, NOW), TrustRow(*KEY, 0.0, NOW, NOW)),
        (TrustRow(*KEY, NOW, NOW + 1, NOW), TrustRow(*KEY, NOW, 0.0, NOW)),
        (TrustRow(*KEY, NOW, NOW, NOW + 1), TrustRow(*KEY, NOW, NOW, 0.0)),
        (TrustRow(*KEY, NOW, NOW, NOW, NOW + QUARANTINE + 1), TrustRow(*KEY, NOW, NOW, NOW, 0.0)),
    ],
)
def test_times_from_the_future_were_never(stored: TrustRow, known: TrustRow) -> None:
    """Those of this very moment were, and a quarantine may end as far ahead as one that begins now."""
    assert restored(stored).all_rows() == [known]


def test_a_lie_is_told_in_300_characters() -> None:
    """It is shown and stored."""
    said = Observation("rdap", Reading(Outcome.REGISTERED, "rdap_200_match", "x" * 400), server="rdap.example")
    reason = Trust().note_answer(Probe(KEY, "qqq.com", registered=False), said, NOW)

    assert reason is not None
    assert len(reason) == 300


def test_canaries_shared_by_names_are_bounded() -> None:
    """Of as many servers as are remembered they are kept; one more, and all are told anew."""
    rows = [TrustRow("rdap", f"{number}.example", "com", NOW, NOW) for number in range(LIMIT)]
    trust = restored(*rows)
    first, last = (ChannelKey("rdap", f"{number}.example", "com") for number in (0, LIMIT - 1))
    shared = [trust.canary_of(ChannelKey(row.method, row.server, row.suffix), NOW) for row in rows]
    assert trust.canary_of(first, NOW) is shared[0]
    assert trust.canary_of(last, NOW) is shared[-1]
    trust.row_of(KEY)
    trust.canary_of(KEY, NOW)

    assert trust.canary_of(last, NOW) == shared[-1]
    assert trust.canary_of(last, NOW) is not shared[-1]


@pytest.mark.parametrize(("fresh", "window"), [(60.0, VERIFIED_FOR), (VERIFIED_FOR / 2 + 1, VERIFIED_FOR + 2), (900.0, 1800.0)])
def test_canaries_of_slow_servers_verify_for_longer(fresh: float, window: float) -> None:
    """For twice as long as a positive may be old, in seconds."""
    assert canary_window(fresh) == window
