"""How often the answers of each server turned out right or wrong."""

from __future__ import annotations

import pytest

from common.core.audit.accuracy import LIMIT, NAMED, Accuracy, find_claim, find_side, is_younger_registration
from common.core.model.channel import ChannelKey
from common.core.model.entry import Entry
from common.core.model.evidence import Fields, Observation, Outcome, Phase, Reading
from common.core.model.records import Evidence
from common.core.model.states import State
from common.core.model.verdict import Situation, Verdict
from common.core.telemetry.metrics import Metrics

FREE = Verdict(State.AVAILABLE, 0.99, 0.999, 0.99, "free")
OWNED = Verdict(State.REGISTERED, 0.0, 0.001, 0.99, "owned")
OPEN = Situation(prior=0.0, p_registrable=0.99)
ALARM = 1_790_000_000.0  # 2026-09-21T14:13:20Z
RDAP, ZONE = ChannelKey("rdap", "rdap.com.test", "com"), ChannelKey("dns", "com", "com")
SERVERS = {"rdap": "rdap.com.test", "whois": "whois.com.test", "dns": "com"}


def evidence(method: str, outcome: Outcome, at: float = 100.0, server: str = "") -> Evidence:
    """One answer."""
    return Evidence(
        Observation(method, Reading(outcome, f"{method}_x", "so"), server=server or SERVERS.get(method, "")), at, at
    )


def entry_with(*items: Evidence) -> Entry:
    """A name with these answers."""
    entry = Entry("name.com", "com", "name")
    entry.detail.evidence = {item.observation.method: item for item in items}
    return entry


def tallies(accuracy: Accuracy) -> dict[str, tuple[int, int]]:
    """(confirmed, contradicted) by method."""
    return {row["method"]: (row["confirmed"], row["contradicted"]) for row in accuracy.to_plain()["methods"]}


def restored(text: str) -> Accuracy:
    """The counts that begin with this text."""
    accuracy = Accuracy()
    accuracy.restore_text(text)
    return accuracy


# -- one check -------------------------------------------------------------------------------------------------------


def test_answers_on_the_side_of_a_settled_verdict_are_confirmed_and_the_others_contradicted() -> None:
    """RDAP denied a name that WHOIS and the verdict say is registered."""
    accuracy = Accuracy()
    entry = entry_with(evidence("rdap", Outcome.UNREGISTERED), evidence("whois", Outcome.REGISTERED))
    accuracy.count_answers(entry, State.UNKNOWN, OWNED, OPEN, 100.0, Metrics())

    assert tallies(accuracy) == {"rdap": (0, 1), "whois": (1, 0)}


def test_no_method_confirms_itself() -> None:
    """A check in which one method alone said something counts for nothing."""
    accuracy = Accuracy()
    alone = entry_with(evidence("dns", Outcome.REGISTERED))
    accuracy.count_answers(alone, State.UNKNOWN, OWNED, OPEN, 100.0, Metrics())
    earlier = entry_with(evidence("dns", Outcome.REGISTERED), evidence("rdap", Outcome.REGISTERED, at=50.0))
    accuracy.count_answers(earlier, State.UNKNOWN, OWNED, OPEN, 100.0, Metrics())

    assert tallies(accuracy) == {}
    assert not accuracy.changed


def test_an_answer_is_counted_once() -> None:
    """Another verdict is taken when the canaries have answered; the same answers do not count again."""
    accuracy = Accuracy()
    entry = entry_with(evidence("rdap", Outcome.UNREGISTERED), evidence("whois", Outcome.UNREGISTERED))
    accuracy.count_answers(entry, State.UNKNOWN, FREE, OPEN, 100.0, Metrics())
    accuracy.count_answers(entry, State.UNKNOWN, FREE, OPEN, 100.0, Metrics())
    accuracy.count_failed_canary(RDAP, {"rdap": entry.detail.evidence["rdap"]}, Metrics(), 101.0, doubted=False)

    assert tallies(accuracy) == {"rdap": (1, 0), "whois": (1, 0)}


@pytest.mark.parametrize(("before", "verdict"), [(State.AVAILABLE, OWNED), (State.PENDING_DELETE, FREE)])
def test_a_name_that_changed_hands_contradicts_no_server(before: State, verdict: Verdict) -> None:
    """The truth changed between two answers of the same check; the one that was asked first was right then."""
    accuracy = Accuracy()
    entry = entry_with(evidence("rdap", Outcome.UNREGISTERED), evidence("whois", Outcome.REGISTERED))
    accuracy.count_answers(entry, before, verdict, OPEN, 100.0, Metrics())

    assert list(tallies(accuracy).values()) == [(1, 0)]


@pytest.mark.parametrize(
    ("state", "p", "side"),
    [
        (State.REGISTERED, 0.005, False),
        (State.REGISTERED, 0.006, None),
        (State.PENDING_DELETE, 0.999, None),  # gates are not passed: what the score says is not settled
        (State.AVAILABLE, 0.995, True),
        (State.RESERVED, 0.999, True),
        (State.UNREGISTERED, 0.99, None),
        (State.UNKNOWN, 0.999, None),
        (State.NOT_REGISTRABLE, 0.999, None),
    ],
)
def test_only_a_settled_verdict_counts_answers(state: State, p: float, side: bool | None) -> None:
    """State and P(unregistered) have to say the same, and P surely."""
    assert find_side(Verdict(state, 0.0, p, 0.99, "")) is side


@pytest.mark.parametrize(
    ("method", "outcome", "state", "situation", "claim"),
    [
        ("rdap", Outcome.REGISTERED, State.REGISTERED, OPEN, False),
        ("whois", Outcome.RESERVED, State.RESERVED, OPEN, True),
        ("rdap", Outcome.INVALID, State.REGISTERED, OPEN, None),
        ("dns", Outcome.UNREGISTERED, State.REGISTERED, OPEN, True),
        ("dns", Outcome.UNREGISTERED, State.UNDELEGATED, OPEN, None),
        ("dns", Outcome.UNREGISTERED, State.AVAILABLE, Situation(0.0, 0.99, phase=Phase.PENDING_DELETE), None),
        ("dns", Outcome.REGISTERED, State.REGISTERED, Situation(0.0, 0.99, wildcard=True), None),
        ("http", Outcome.REGISTERED, State.REGISTERED, Situation(0.0, 0.99, wildcard=True), None),
    ],
)
def test_what_an_answer_claims(method: str, outcome: Outcome, state: State, situation: Situation, claim: bool | None) -> None:
    """An object or none; NXDOMAIN of a name known to be out of the zone, and a wildcard suffix, claim neither."""
    assert find_claim(method, evidence(method, outcome), state, situation) is claim


@pytest.mark.parametrize(("wrong", "contradicted"), [(True, 2), (False, 0)])
def test_a_failed_canary_and_what_was_dropped_with_it_wait_for_the_doubt_to_be_settled(wrong: bool, contradicted: int) -> None:
    """They count if the canary is there, and not if it is gone; without a doubt they count at once."""
    key, dropped = RDAP, {"rdap": evidence("rdap", Outcome.UNREGISTERED)}
    accuracy = Accuracy()
    accuracy.count_failed_canary(key, {}, Metrics(), 1.0, doubted=True)
    accuracy.count_failed_canary(key, dropped, Metrics(), 1.0, doubted=True)
    assert tallies(accuracy) == {}
    accuracy.settle_dispute(key, Metrics(), 2.0, wrong=wrong)
    accuracy.settle_dispute(key, Metrics(), 2.0, wrong=wrong)
    assert sum(row["contradicted"] for row in accuracy.to_plain()["servers"]) == contradicted

    certain = Accuracy()
    certain.count_failed_canary(key, {}, Metrics(), 1.0, doubted=False)
    certain.count_failed_canary(key, {"rdap": evidence("rdap", Outcome.UNREGISTERED)}, Metrics(), 1.0, doubted=False)
    assert certain.to_plain()["servers"] == [
        {"method": "rdap", "server": "rdap.com.test", "suffix": "com", "confirmed": 0, "contradicted": 2, "share": 0.1667}
    ]


def test_the_name_asked_over_http_is_no_server() -> None:
    """An HTTP check asks the name itself: it would be a key and a label per name."""
    accuracy, metrics = Accuracy(), Metrics()
    for number in range(3):
        entry = entry_with(evidence("http", Outcome.REGISTERED, server=f"n{number}.com"), evidence("whois", Outcome.REGISTERED))
        accuracy.count_answers(entry, State.UNKNOWN, OWNED, OPEN, 100.0, metrics)

    assert [row["server"] for row in accuracy.to_plain()["servers"]] == ["web", "whois.com.test"]
    assert "n0.com" not in str(metrics.snapshot())


@pytest.mark.parametrize(
    ("created", "at", "young"),
    [
        ("2026-09-21T14:15:00Z", 200.0, True),
        ("2026-09-21", 200.0, True),  # only the day is known
        ("2026-09-20T14:00:00Z", 200.0, False),
        ("2020-01-01", 200.0, False),
        (None, 200.0, False),
        ("2026-09-21T14:15:00Z", -10.0, False),  # a record from before the alarm says nothing about its end
    ],
)
def test_an_alarm_is_confirmed_by_a_younger_registration_only(created: str | None, at: float, young: bool) -> None:
    """The registry, asked after the alarm, has to show a creation date that is not older."""
    reading = Reading(Outcome.REGISTERED, "rdap_200_match", "found", fields=Fields(created_at=created))
    entry = entry_with(Evidence(Observation("rdap", reading), ALARM + at, ALARM + at))

    assert is_younger_registration(entry, ALARM) is young


# -- bounds, keeping, showing --------------------------------------------------------------------------------------------


def test_the_table_is_bounded_and_keeps_the_servers_that_were_wrong() -> None:
    """Servers that were never wrong and hardly asked make room; the sums per method forget nothing."""
    accuracy, metrics = Accuracy(), Metrics()
    accuracy.count_answer(ChannelKey("whois", "liar.example", "zz"), metrics, 1.0, right=False)
    for number in range(LIMIT + 500):
        accuracy.count_answer(ChannelKey("rdap", f"s{number}.example", "com"), metrics, 1.0, right=True)
    shown = accuracy.to_plain()

    assert shown["servers_known"] <= LIMIT
    assert shown["servers"][0]["server"] == "liar.example"
    assert len(shown["servers"]) == 200
    assert tallies(accuracy) == {"rdap": (LIMIT + 500, 0), "whois": (0, 1)}


def test_metric_series_are_few_and_add_up() -> None:
    """Servers that were never wrong share one series per method; one that was wrong gets its own, up to a bound."""
    accuracy, metrics = Accuracy(), Metrics()
    for number in range(NAMED + 300):
        key = ChannelKey("rdap", f"s{number}.example", "com")
        accuracy.count_answer(key, metrics, 1.0, right=True)
        if number % 2:
            accuracy.count_answer(key, metrics, 1.0, right=False)
            accuracy.count_answer(key, metrics, 1.0, right=True)
    rows = metrics.snapshot()["counters"]
    sums = {wanted: sum(n for name, _, n in rows if name == wanted) for wanted in ("answers_confirmed", "answers_contradicted")}

    assert len(rows) <= 2 * NAMED + 2
    assert sums == {"answers_confirmed": 750.0, "answers_contradicted": 250.0}


def test_the_share_is_smoothed() -> None:
    """One answer proves little: Beta(0.5, 0.5)."""
    accuracy = Accuracy()
    for right in (True, True, True, False):
        accuracy.count_answer(ZONE, Metrics(), 1.0, right=right)

    assert accuracy.to_plain()["methods"] == [{"method": "dns", "confirmed": 3, "contradicted": 1, "share": 0.7}]


def test_counts_survive_a_restart() -> None:
    """What is saved is restored, whole."""
    accuracy, metrics = Accuracy(), Metrics()
    accuracy.count_answer(ZONE, metrics, 7.0, right=True)
    accuracy.count_answer(ChannelKey("rdap", "r.example", "com"), metrics, 8.0, right=False)
    accuracy.alarms.announced = 3

    assert restored(accuracy.to_text()).to_plain() == accuracy.to_plain()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"servers":[["a"]]}', '{"methods":{"dns":{"confirmed":-1}}}', '{"alarms":7}', "[" * 100_000]
)
def test_a_damaged_text_begins_anew(text: str) -> None:
    """Counting is not worth a coordinator that does not start."""
    assert restored(text).to_plain() == Accuracy().to_plain()
