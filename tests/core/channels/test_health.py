"""What is learned of a channel from its answers: when it is dead, when it rests, what survives a restart."""

from __future__ import annotations

import json

import pytest

from common.core.channels.channel_health import (
    ANSWER_DUE,
    ANSWER_LOST,
    DEAD_AFTER,
    DEAD_ANSWERS,
    FRESH,
    LIMIT,
    LIMITED_AFTER,
    LONGEST_REST,
    QUERIES_PER_PASS,
    REASON,
    REST_DEAD,
    REST_TIMES,
    SHORTEST_REST,
    ChannelHealth,
    ChannelHealths,
    Condition,
    conditions_of,
)
from common.core.model.channel import ChannelKey
from common.core.model.evidence import Outcome

NOW = 1_790_000_000.0
RDAP = ChannelKey("rdap", "rdap.example", "com")
WHOIS = ChannelKey("whois", "whois.example", "com")
ZONE = ChannelKey("dns", "com", "com")
PROVING = [outcome for outcome in Outcome if outcome not in (Outcome.UNKNOWN, Outcome.THROTTLED)]


def silent(*moments: float, key: ChannelKey = RDAP, reason: str = "no answer in time") -> ChannelHealths:
    """A channel that said nothing at these moments, in seconds from NOW."""
    channels = ChannelHealths()
    for moment in moments:
        channels.note_outcome(key, Outcome.UNKNOWN, reason, NOW + moment)
    return channels


def dead(key: ChannelKey = RDAP) -> ChannelHealths:
    """A channel that has just been found dead, at NOW + DEAD_AFTER."""
    return silent(0.0, 1.0, DEAD_AFTER, key=key)


def restored(text: str | None, now: float) -> ChannelHealths:
    """What a coordinator knows that begins with this text."""
    channels = ChannelHealths()
    channels.restore_text(text or "", now)
    return channels


def test_the_published_figures() -> None:
    """Answers in a row, seconds of silence and of rest, and the queries that a pass costs a channel."""
    assert (DEAD_ANSWERS, DEAD_AFTER, LIMITED_AFTER, QUERIES_PER_PASS) == (3, 60.0, 600.0, 3)
    assert (FRESH, REST_DEAD, REST_TIMES, SHORTEST_REST, LONGEST_REST) == (120.0, 600.0, 5.0, 3.0, 60.0)
    assert (ANSWER_DUE, ANSWER_LOST) == (5.0, 60.0)


# -- dead and alive ------------------------------------------------------------------------------------------------------


def test_a_channel_that_was_never_asked_is_neither_dead_nor_resting() -> None:
    """Nothing is known of it: no answer, no silence, no reason."""
    channels = ChannelHealths()

    assert channels.health_of(RDAP) == ChannelHealth(0.0, 0.0, 0.0, 0, "")
    assert channels.health_of(RDAP).heard_at == 0.0
    assert not channels.is_dead(RDAP, NOW, rate_limited=True)
    assert not channels.is_resting(RDAP, NOW)
    assert channels.silent_channels() == []


def test_a_channel_is_dead_after_three_answers_that_span_a_minute() -> None:
    """And says so once, with the answer that made it so."""
    channels = ChannelHealths()
    became = [channels.note_outcome(RDAP, Outcome.UNKNOWN, "no", NOW + moment) for moment in (0.0, 30.0, DEAD_AFTER, 90.0)]

    assert became == [None, None, "dead", None]
    assert channels.is_dead(RDAP, NOW + 90.0)


@pytest.mark.parametrize(
    "moments",
    [
        [0.0, DEAD_AFTER * 10],
        [0.0, 1.0, 2.0, DEAD_AFTER - 0.1],
    ],
)
def test_few_answers_or_a_short_silence_prove_no_death(moments: list[float]) -> None:
    """Two answers are two bad moments, and many within a minute are one."""
    channels = silent(*moments)

    assert len(moments) < DEAD_ANSWERS or moments[-1] < DEAD_AFTER
    assert not channels.is_dead(RDAP, NOW + 10 * DEAD_AFTER)


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.THROTTLED])
def test_an_unknown_and_a_throttled_answer_prove_nothing(outcome: Outcome) -> None:
    """A channel that keeps saying "later" is as dead as one that says nothing."""
    channels = ChannelHealths()
    for moment in (0.0, 30.0, DEAD_AFTER):
        channels.note_outcome(RDAP, outcome, "later", NOW + moment)

    assert channels.is_dead(RDAP, NOW + DEAD_AFTER)


@pytest.mark.parametrize("outcome", PROVING)
def test_the_first_answer_that_proves_something_brings_a_channel_back(outcome: Outcome) -> None:
    """Whatever it says; the silence before it counts no more, neither its length nor its reason."""
    channels = dead()
    became = channels.note_outcome(RDAP, outcome, "an answer", NOW + 100.0)

    assert became == "alive"
    assert not channels.is_dead(RDAP, NOW + 100.0, rate_limited=True)
    assert not channels.is_resting(RDAP, NOW + 100.0)
    assert channels.health_of(RDAP) == ChannelHealth(NOW + 100.0, 0.0, NOW + DEAD_AFTER, 0, "")
    assert channels.note_outcome(RDAP, outcome, "an answer", NOW + 101.0) is None


def test_a_silence_counts_from_its_own_beginning() -> None:
    """Answers before the last one that proved something make no channel dead."""
    channels = silent(0.0, 30.0)
    channels.note_outcome(RDAP, Outcome.REGISTERED, "found", NOW + 40.0)
    for moment in (50.0, 60.0, 70.0):
        channels.note_outcome(RDAP, Outcome.UNKNOWN, "no", NOW + moment)

    assert not channels.is_dead(RDAP, NOW + 70.0)
    assert channels.note_outcome(RDAP, Outcome.UNKNOWN, "no", NOW + 50.0 + DEAD_AFTER) == "dead"
    assert channels.health_of(RDAP).silent_since == NOW + 50.0


def test_the_last_silent_answer_says_why_within_bounds() -> None:
    """The newest reason is kept, cut to what is shown of it."""
    channels = silent(0.0, reason="first")
    channels.note_outcome(RDAP, Outcome.UNKNOWN, "x" * (REASON + 50), NOW + 5.0)

    assert channels.health_of(RDAP).reason == "x" * REASON
    assert channels.health_of(RDAP).silent_at == NOW + 5.0


def test_a_channel_was_heard_when_it_last_answered_at_all() -> None:
    """Whether or not that answer proved something."""
    channels = silent(5.0)
    assert channels.health_of(RDAP).heard_at == NOW + 5.0
    channels.note_outcome(RDAP, Outcome.UNREGISTERED, "not found", NOW + 7.0)
    assert channels.health_of(RDAP).heard_at == NOW + 7.0


def test_channels_are_told_apart_by_method_server_and_suffix() -> None:
    """The death of one is not the death of its neighbours."""
    channels = dead()
    neighbours = [RDAP._replace(method="whois"), RDAP._replace(server="rdap2.example"), RDAP._replace(suffix="net")]

    assert not any(channels.is_dead(key, NOW + DEAD_AFTER) or channels.is_resting(key, NOW + DEAD_AFTER) for key in neighbours)


# -- rate limited and resting ------------------------------------------------------------------------------------------


def test_a_channel_that_is_rate_limited_is_dead_after_ten_silent_minutes() -> None:
    """One answer is enough then: no further one can be asked for."""
    channels = silent(0.0)

    assert not channels.is_dead(RDAP, NOW + LIMITED_AFTER - 1.0, rate_limited=True)
    assert channels.is_dead(RDAP, NOW + LIMITED_AFTER, rate_limited=True)
    assert not channels.is_dead(RDAP, NOW + LIMITED_AFTER, rate_limited=False)


def test_a_channel_that_is_rate_limited_and_proved_something_last_is_alive() -> None:
    """A budget that is used up says nothing about the server."""
    channels = ChannelHealths()
    channels.note_outcome(RDAP, Outcome.REGISTERED, "found", NOW)

    assert not channels.is_dead(RDAP, NOW + 10 * LIMITED_AFTER, rate_limited=True)


@pytest.mark.parametrize(("seconds", "rest"), [(0.01, 3.0), (4.0, 20.0), (20.0, 60.0)])
def test_a_silent_channel_rests_for_as_long_as_its_silence_cost(seconds: float, rest: float) -> None:
    """Counted from its last answer: an error at once costs a pass nothing, a time limit costs all of it."""
    channels = ChannelHealths()
    channels.note_outcome(RDAP, Outcome.UNKNOWN, "503", NOW, seconds)

    assert channels.is_resting(RDAP, NOW + rest - 0.1)
    assert not channels.is_resting(RDAP, NOW + rest)


def test_a_channel_that_spoke_after_a_silence_does_not_rest() -> None:
    """However short ago that silence was."""
    channels = silent(0.0)
    channels.note_outcome(RDAP, Outcome.REGISTERED, "found", NOW + 0.5)

    assert not channels.is_resting(RDAP, NOW + 1.0)


def test_a_channel_that_owes_an_answer_is_left_alone_until_it_comes_or_must_be_lost() -> None:
    """Its time limit may be long; what it answers, even nothing, ends that."""
    channels = ChannelHealths()
    channels.note_query(RDAP, NOW)
    channels.note_query(RDAP, NOW + 4.0)

    assert not channels.is_resting(RDAP, NOW + ANSWER_DUE)
    assert channels.is_resting(RDAP, NOW + ANSWER_DUE + 0.1)
    assert not channels.is_resting(RDAP, NOW + ANSWER_LOST)
    channels.note_outcome(RDAP, Outcome.REGISTERED, "", NOW + 10.0)
    assert not channels.is_resting(RDAP, NOW + 10.0)


def test_a_dead_channel_rests_for_ten_minutes() -> None:
    """Then a query may find out whether it is back."""
    channels = dead()

    assert channels.is_resting(RDAP, NOW + DEAD_AFTER + REST_DEAD - 1.0)
    assert not channels.is_resting(RDAP, NOW + DEAD_AFTER + REST_DEAD)


# -- shown ---------------------------------------------------------------------------------------------------------------


def test_silent_channels_are_listed_with_the_longest_silence_first() -> None:
    """Of equal ones by their key; a channel that proved something last is none of them."""
    channels = silent(30.0)
    channels.note_outcome(WHOIS, Outcome.UNKNOWN, "no", NOW)
    channels.note_outcome(ZONE, Outcome.UNKNOWN, "no", NOW + 30.0)
    channels.note_outcome(ChannelKey("rdap", "rdap.example", "net"), Outcome.REGISTERED, "found", NOW)
    found = channels.silent_channels()

    assert [key for key, _ in found] == [WHOIS, ZONE, RDAP]
    assert found[0][1] == channels.health_of(WHOIS)


# -- kept over a restart -------------------------------------------------------------------------------------------------


def test_a_change_asks_to_be_saved_once() -> None:
    """Death and return are worth a write, the answers in between are not."""
    channels = silent(0.0, 1.0)
    assert channels.take_changed() is None
    channels.note_outcome(RDAP, Outcome.UNKNOWN, "no", NOW + DEAD_AFTER)
    assert channels.take_changed() is not None
    assert channels.take_changed() is None
    channels.note_outcome(RDAP, Outcome.UNKNOWN, "no", NOW + DEAD_AFTER + 1.0)
    assert channels.take_changed() is None
    channels.note_outcome(RDAP, Outcome.REGISTERED, "found", NOW + DEAD_AFTER + 2.0)
    assert channels.take_changed() == "[]"


def test_a_dead_channel_is_dead_after_a_restart() -> None:
    """With all that is known of it: no drop waits for it anew."""
    channels = dead()
    later = restored(channels.take_changed(), NOW + 100.0)

    assert later.is_dead(RDAP, NOW + 100.0)
    assert later.health_of(RDAP) == channels.health_of(RDAP)
    assert later.take_changed() is None


def test_only_dead_channels_are_saved() -> None:
    """A bad moment is not worth a restart's memory."""
    channels = dead()
    channels.note_outcome(WHOIS, Outcome.UNKNOWN, "no", NOW)

    assert [key for key, _ in restored(channels.take_changed(), NOW + 100.0).silent_channels()] == [RDAP]


@pytest.mark.parametrize("field", [3, 4, 5])
def test_a_channel_with_a_time_from_the_future_is_left_out(field: int) -> None:
    """The clock was ahead when it was noted; its neighbour is restored."""
    good = [*WHOIS, 0.0, NOW - 90.0, NOW, 3, "no"]
    ahead = [*RDAP, NOW - 99.0, NOW - 90.0, NOW - 9.0, 3, "no"]
    ahead[field] = NOW + 1.0

    assert [key for key, _ in restored(json.dumps([ahead, good]), NOW).silent_channels()] == [WHOIS]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "null",
        "7",
        '["abcdefgh"]',
        "[[1, 2, 3]]",
        '[["rdap", "rdap.example", "com", 0, 0, 0, "three", ""]]',
        '[["rdap", "rdap.example", "com", 0, 0, 0, null, ""]]',
        '[["rdap", "rdap.example", "com", 0, 0, 0, 1e999, ""]]',
        '[["rdap", "rdap.example", "com", 0, 0, 0, NaN, ""]]',
        '[["rdap", "rdap.example", "com", 0, 0, 60, 3, ""], ["rdap"]]',
        pytest.param("[" * 100_000, id="nested"),
    ],
)
def test_a_damaged_text_restores_nothing(text: str) -> None:
    """And stops no start."""
    assert restored(text, NOW).silent_channels() == []


def test_what_is_restored_is_bounded() -> None:
    """A reason is cut, and channels beyond the limit are left out."""
    rows = [["rdap", f"r{number}.example", "com", 0.0, NOW - 90.0, NOW, 3, "x" * 999] for number in range(LIMIT + 5)]
    channels = restored(json.dumps(rows), NOW)

    assert len(channels.silent_channels()) == LIMIT
    assert channels.health_of(ChannelKey("rdap", "r0.example", "com")).reason == "x" * REASON


def test_the_channel_that_was_heard_longest_ago_makes_room() -> None:
    """Memory is bounded; the others stay as they were."""
    channels = ChannelHealths()
    for number in range(LIMIT):
        channels.note_outcome(ChannelKey("rdap", f"r{number}.example", "com"), Outcome.UNKNOWN, "no", NOW + number)
    channels.note_outcome(ChannelKey("rdap", "r0.example", "com"), Outcome.UNKNOWN, "no", NOW + LIMIT)
    channels.note_outcome(RDAP, Outcome.UNKNOWN, "no", NOW + LIMIT + 1)

    assert len(channels.silent_channels()) == LIMIT
    assert channels.health_of(ChannelKey("rdap", "r1.example", "com")).silent == 0
    assert channels.health_of(ChannelKey("rdap", "r0.example", "com")).silent == 2
    assert channels.health_of(RDAP).silent == 1


# -- conditions ----------------------------------------------------------------------------------------------------------


def condition(method: str, pace: float) -> Condition:
    """A channel that can be asked so many queries a second."""
    return Condition(method, ChannelKey(method, f"{method}.example", "com"), pace)


def test_every_channel_that_is_quick_enough_is_a_condition_the_fastest_first() -> None:
    """Three queries within the age of a positive are quick enough."""
    slow, quick = condition("rdap", 3 / FRESH), condition("whois", 2.0)

    assert conditions_of([slow, quick], FRESH) == ((quick, slow), FRESH)


def test_a_channel_too_slow_for_the_age_of_a_positive_is_no_condition() -> None:
    """Where another one is quick enough; the age stays."""
    slow, quick = condition("rdap", 2.9 / FRESH), condition("whois", 2.0)

    assert conditions_of([slow, quick], FRESH) == ((quick,), FRESH)


def test_where_all_are_too_slow_the_fastest_is_the_condition_and_the_age_fits_it() -> None:
    """Four queries at its pace: the answer, both canaries, and one that was on its way."""
    slower, slow = condition("rdap", 0.005), condition("whois", 0.01)

    assert conditions_of([slower, slow], FRESH) == ((slow,), pytest.approx(400.0))


@pytest.mark.parametrize("found", [[], [condition("rdap", 0.0)], [condition("rdap", 0.0), condition("whois", 0.0)]])
def test_without_a_channel_that_can_be_asked_there_is_no_condition(found: list[Condition]) -> None:
    """None, or each operator limits us: nothing is waited for, and the age stays."""
    assert conditions_of(found, FRESH) == ((), FRESH)


def test_a_rate_limited_channel_is_no_condition_beside_another_one() -> None:
    """It may be slow or quick when the limit ends: nothing waits for that."""
    limited, slow = condition("rdap", 0.0), condition("whois", 0.01)

    assert conditions_of([limited, slow], FRESH)[0] == (slow,)


def test_the_last_proof_of_each_channel_is_known() -> None:
    """A channel that never proved anything is left out."""
    channels = ChannelHealths()
    channels.note_outcome(RDAP, Outcome.REGISTERED, "found", NOW)
    channels.note_outcome(RDAP, Outcome.UNKNOWN, "503", NOW + 5.0)
    channels.note_outcome(WHOIS, Outcome.UNKNOWN, "no", NOW)

    assert channels.proved_times() == {RDAP: NOW}
