"""Which channels are left alone, and what is told when one dies or is back; with budgets, workers and a directory beside it."""

from __future__ import annotations

import pytest

from common.core.channels.channel_health import ANSWER_DUE, DEAD_AFTER, LIMITED_AFTER, REST_DEAD
from common.core.channels.channels import channel_of
from common.core.model.channel import ChannelKey
from common.core.model.entry import Rank
from common.core.model.evidence import Observation, Outcome, Reading, unknown_reading
from common.core.model.query import Query
from tests.core.trust.trust_rooms import NOW, RDAP, WHOIS, ZONE, TrustRooms


def fall_silent(rooms: TrustRooms, key: ChannelKey, *moments: float) -> None:
    """A channel gives no answer at these moments, in seconds from NOW."""
    for moment in moments:
        rooms.channels.healths.note_outcome(key, Outcome.UNKNOWN, "no answer in time", NOW + moment)


def query_to(rooms: TrustRooms, method: str, server: str) -> Query:
    """A query about a name of .com."""
    return Query(
        method=method,
        pool="deep",
        domain="held.com",
        suffix="com",
        server=server,
        limit=rooms.limit_of(WHOIS),
        rank=Rank.ORDINARY,
        queued=NOW,
        budget=20.0,
    )


def answer(method: str, *, proves: bool) -> Observation:
    """An answer that took two seconds."""
    found = Reading(Outcome.REGISTERED, f"{method}_x", "found")
    reading = found if proves else unknown_reading(f"{method}_timeout", "no answer in time")
    return Observation(method, reading, server=f"{method}.com.test", duration_ms=2000.0)


# -- dead, or left alone -------------------------------------------------------------------------------------------------


def test_a_silent_channel_whose_operator_limits_us_counts_as_dead_after_ten_minutes() -> None:
    """No further answer can be asked for; one that can be asked is only silent."""
    rooms = TrustRooms()
    fall_silent(rooms, RDAP, 0.0)
    fall_silent(rooms, WHOIS, 0.0)
    rooms.limit_operator(RDAP, NOW, 3600.0)

    assert not rooms.channels.is_known_dead(RDAP, NOW + LIMITED_AFTER - 1.0)
    assert rooms.channels.is_known_dead(RDAP, NOW + LIMITED_AFTER)
    assert not rooms.channels.is_known_dead(WHOIS, NOW + LIMITED_AFTER)


def test_a_channel_that_proved_something_last_is_not_left_alone_while_its_operator_limits_us() -> None:
    """Its answer is still the best there is, once it comes."""
    rooms = TrustRooms()
    rooms.channels.healths.note_outcome(RDAP, Outcome.REGISTERED, "found", NOW)
    rooms.limit_operator(RDAP, NOW, 3600.0)

    assert not rooms.channels.is_known_dead(RDAP, NOW + 3000.0)
    assert not rooms.channels.is_left_alone(RDAP, NOW + 1.0)


def test_a_silent_channel_is_left_alone_while_it_rests_and_where_it_would_have_to_be_waited_for() -> None:
    """A moment after its silence, and later only without a token."""
    rooms = TrustRooms()
    fall_silent(rooms, RDAP, 0.0)

    assert rooms.channels.is_left_alone(RDAP, NOW + 1.0)
    assert not rooms.channels.is_left_alone(RDAP, NOW + 10.0)
    rooms.rate_limits.budgets.take_tokens(rooms.limit_of(RDAP), "default", 5000, NOW + 10.0)
    assert rooms.channels.is_left_alone(RDAP, NOW + 10.0)


def test_a_zone_is_left_out_of_a_check_only_while_it_is_dead() -> None:
    """One bad moment is no death: the zone is the second source of a suffix with one registry channel."""
    rooms, left_alone = TrustRooms(), []
    for moment in (0.0, 30.0, DEAD_AFTER):
        fall_silent(rooms, ZONE, moment)
        left_alone.append(rooms.channels.is_zone_left_alone("com", NOW + moment))
    left_alone.append(rooms.channels.is_zone_left_alone("com", NOW + DEAD_AFTER + REST_DEAD))

    assert left_alone == [False, False, True, False]


def test_a_silent_zone_is_left_out_where_a_token_would_have_to_be_waited_for() -> None:
    """One that speaks is waited for."""
    rooms = TrustRooms()
    rooms.rate_limits.budgets.take_tokens(rooms.limit_of(ZONE), "default", 50_000, NOW)
    assert not rooms.channels.is_zone_left_alone("com", NOW)

    fall_silent(rooms, ZONE, 0.0)
    assert rooms.channels.is_zone_left_alone("com", NOW)


def test_only_channels_in_use_are_listed_as_silent() -> None:
    """A server that another one took over from is never asked again and would be silent for ever."""
    rooms = TrustRooms()
    for key in (WHOIS._replace(server="old.com.test"), ChannelKey("rdap", "rdap.org.test", "org"), ZONE, WHOIS):
        fall_silent(rooms, key, 0.0)

    assert [key for key, _ in rooms.channels.silent_in_use()] == [ZONE, WHOIS]


# -- learning from queries and answers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "server", "key"),
    [
        ("rdap", "https://rdap.com.test/", RDAP),
        ("whois", "whois.com.test", WHOIS),
        ("dns", "", ZONE),
        ("whois", "", None),  # IANA is asked for the server of the suffix
        ("http", "", None),  # the name itself is asked
    ],
)
def test_a_query_belongs_to_the_channel_of_its_server_and_suffix(method: str, server: str, key: ChannelKey | None) -> None:
    """What goes to no server of the suffix belongs to none."""
    assert channel_of(query_to(TrustRooms(), method, server)) == key


def test_a_channel_that_owes_an_answer_is_left_alone_until_it_comes() -> None:
    """Whatever the answer says."""
    rooms = TrustRooms()
    query = query_to(rooms, "rdap", "https://rdap.com.test/")
    rooms.channels.note_query_sent(query, NOW)
    rooms.channels.note_query_sent(query_to(rooms, "http", ""), NOW)
    late = NOW + ANSWER_DUE + 1.0
    assert rooms.channels.is_left_alone(RDAP, late)

    rooms.channels.note_answer(query, answer("rdap", proves=True), late)
    assert not rooms.channels.is_left_alone(RDAP, late)


def test_a_silent_channel_rests_in_proportion_to_the_seconds_that_its_silence_took() -> None:
    """Two seconds without an answer are ten seconds of rest."""
    rooms = TrustRooms()
    rooms.channels.note_answer(query_to(rooms, "rdap", "https://rdap.com.test/"), answer("rdap", proves=False), NOW)

    assert rooms.channels.is_left_alone(RDAP, NOW + 9.9)
    assert not rooms.channels.is_left_alone(RDAP, NOW + 10.0)


def test_the_death_of_a_channel_and_its_return_are_logged_once_each() -> None:
    """The one is a warning, with what the last answer was; an answer of no channel changes nothing."""
    rooms = TrustRooms()
    query = query_to(rooms, "whois", "whois.com.test")
    for moment in (0.0, 30.0, DEAD_AFTER, DEAD_AFTER + 1.0):
        rooms.channels.note_answer(query, answer("whois", proves=False), NOW + moment)
        rooms.channels.note_answer(query_to(rooms, "http", ""), answer("http", proves=True), NOW + moment)
    (died,) = rooms.log_lines("channel_dead")
    assert (died.level, died.fields) == ("warning", {**WHOIS._asdict(), "reason": "no answer in time"})

    for moment in (100.0, 101.0):
        rooms.channels.note_answer(query, answer("whois", proves=True), NOW + moment)
    (back,) = rooms.log_lines("channel_alive")
    assert (back.level, back.fields["server"]) == ("info", "whois.com.test")
