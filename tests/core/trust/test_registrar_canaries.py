"""When a registrar is asked about canaries before its word is needed: one not heard for hours, and one that lied."""

from __future__ import annotations

import pytest

from common.core.model.channel import ChannelKey, Probe
from common.core.model.entry import Rank
from common.core.model.evidence import Outcome
from common.core.model.query import Query
from common.core.registries.sources import Source
from common.core.trust.early_canaries import PROBE_EVERY, PROBE_SILENT_EVERY
from common.core.trust.server_trust import QUARANTINE
from tests.core.trust.trust_rooms import NOW, ONE, SOURCES, TWO, TrustRooms, answer_of, catch_lie, verify_server

BOTH, KNOWN = [(ONE.method, "known"), (ONE.method, "random")], [(ONE.method, "known")]
ONE_NET = ChannelKey(ONE.method, ONE.server, "net")


def rooms_of(*suffixes: str, heard: bool = True) -> TrustRooms:
    """Rooms with one registrar; `heard`: the canary of every six hours is answered already."""
    rooms = TrustRooms(*suffixes, sources=SOURCES[:1])
    if heard:
        for query in ask(rooms, NOW):
            answer(rooms, query)
    return rooms


def ask(rooms: TrustRooms, now: float) -> list[Query]:
    """Look for registrars to ask; the queries that are sent by that."""
    rooms.early_canaries.probe_registrars(rooms.suffixes, now)
    return rooms.take_canaries()


def answer(rooms: TrustRooms, query: Query, now: float | None = None) -> None:
    """A canary is answered rightly at `now`, or it will not be."""
    assert query.probe is not None
    if now is None:
        rooms.canaries.take_unanswered(query.probe, NOW)
        return
    outcome = Outcome.REGISTERED if query.probe.registered else Outcome.UNREGISTERED
    rooms.canaries.take_canary_outcome(query.probe, answer_of(query.probe.key, outcome), now)


def asked(rooms: TrustRooms, now: float) -> list[tuple[str, str]]:
    """The same as (method, "known" or "random"), while none of them is answered."""
    queries = ask(rooms, now)
    for query in queries:
        answer(rooms, query)
    return [(query.method, "known" if query.domain.startswith("known.") else "random") for query in queries]


# -- every six hours -----------------------------------------------------------------------------------------------------


def test_each_registrar_is_asked_about_a_known_name_every_six_hours() -> None:
    """Behind all others, at its own address: whether it takes our key should be known before its word is needed."""
    rooms = TrustRooms(sources=SOURCES)
    first = ask(rooms, NOW)

    assert [(query.method, query.domain, query.rank) for query in first] == [
        (ONE.method, "known.com", Rank.BACKGROUND),
        (TWO.method, "known.com", Rank.BACKGROUND),
    ]
    assert asked(rooms, NOW + PROBE_EVERY - 0.01) == []
    assert asked(rooms, NOW + PROBE_EVERY) == [(ONE.method, "known"), (TWO.method, "known")]


def test_a_registrar_is_asked_about_one_suffix_after_the_other() -> None:
    """In turn, one query each time."""
    rooms = rooms_of("com", "net", "org", heard=False)
    turns = [[query.suffix for query in ask(rooms, NOW + turn * PROBE_EVERY)] for turn in range(4)]

    assert turns == [["com"], ["net"], ["org"], ["com"]]


def test_a_registrar_is_asked_about_suffixes_that_it_sells() -> None:
    """One that sells none of those that are watched is not asked; the next one is."""
    net = (Source(method=ONE.method, url="https://one.test/v1", suffixes=("net",)), SOURCES[1])
    both = TrustRooms("com", "net", sources=net[:1])

    assert [query.method for query in ask(TrustRooms(sources=net), NOW)] == [TWO.method]
    assert [[query.suffix for query in ask(both, NOW + turn * PROBE_EVERY)] for turn in range(2)] == [["net"], ["net"]]


def test_a_registrar_is_asked_about_one_of_the_known_names_of_a_suffix() -> None:
    """The first: more would cost more of its scarce queries."""
    for names in (("known.com", "other.com"), ("known.com",)):
        rooms = TrustRooms(canaries={"com": names}, sources=SOURCES[:1])
        assert [query.domain for query in ask(rooms, NOW)] == ["known.com"]


def test_a_registrar_that_limits_us_is_asked_as_soon_as_it_does_not() -> None:
    """Its turn is not over by that, and the next one is asked meanwhile."""
    rooms = TrustRooms("com", "net", sources=SOURCES)
    rooms.limit_operator(ONE, NOW, 60.0)
    assert [query.method for query in ask(rooms, NOW)] == [TWO.method]
    assert [(query.method, query.suffix) for query in ask(rooms, NOW + 61.0)] == [(ONE.method, "com")]


# -- one that lied -------------------------------------------------------------------------------------------------------


def test_a_registrar_that_lied_is_verified_again_a_quarter_of_an_hour_later() -> None:
    """To the tick, by both canaries, behind all others: it is left out until it was right about them."""
    rooms = rooms_of()
    catch_lie(rooms, ONE, NOW)
    assert asked(rooms, NOW + PROBE_SILENT_EVERY - 0.01) == []
    queries = ask(rooms, NOW + PROBE_SILENT_EVERY)
    assert [query.rank for query in queries] == [Rank.BACKGROUND] * 2
    assert rooms.trust.is_distrusted(ONE, NOW + PROBE_SILENT_EVERY)
    for query in queries:
        answer(rooms, query, NOW + PROBE_SILENT_EVERY + 1.0)

    assert {query.domain == "known.com" for query in queries} == {True, False}
    assert not rooms.trust.is_distrusted(ONE, NOW + PROBE_SILENT_EVERY + 1.0)


def test_a_registrar_that_gives_no_answer_is_verified_ever_more_rarely() -> None:
    """Each wait is twice the one before, and a week at most; the probe of every six hours goes on beside."""
    rooms = rooms_of()
    catch_lie(rooms, ONE, NOW)
    at, waits = NOW + PROBE_SILENT_EVERY, [*(900.0 * 2.0**turn for turn in range(1, 10)), 604_800.0, 604_800.0]
    for wait in waits:
        assert BOTH[1] in asked(rooms, at)
        assert BOTH[1] not in asked(rooms, at + 1.0)
        assert BOTH[1] not in asked(rooms, at + wait - 0.01)
        at += wait
    assert BOTH[1] in asked(rooms, at)


def test_canaries_of_a_liar_are_not_queued_while_its_operator_limits_us() -> None:
    """The next wait begins once they leave."""
    rooms = rooms_of()
    catch_lie(rooms, ONE, NOW)
    rooms.limit_operator(ONE, NOW + 800.0, 3600.0)

    assert asked(rooms, NOW + PROBE_SILENT_EVERY) == []
    assert asked(rooms, NOW + 4401.0) == BOTH


def test_a_registrar_caught_under_many_suffixes_is_verified_under_one_after_the_other() -> None:
    """Each costs two queries, and they are scarce."""
    suffixes = [f"s{number}" for number in range(200)]
    rooms = rooms_of(*suffixes)
    for suffix in suffixes:
        catch_lie(rooms, ONE._replace(suffix=suffix), NOW)
    turns = [[query.suffix for query in ask(rooms, NOW + PROBE_SILENT_EVERY + turn)] for turn in range(3)]

    assert turns == [["s0", "s0"], ["s1", "s1"], ["s2", "s2"]]


def test_a_source_whose_answers_prove_nothing_is_asked_about_no_canary() -> None:
    """Its answers are few, and no name waits for them."""
    rooms = TrustRooms(sources=[Source(method=ONE.method, url="https://one.test/v1", proof=False)])

    assert ask(rooms, NOW) == []


def test_the_waits_begin_anew_for_a_registrar_that_was_trusted_meanwhile() -> None:
    """Its next lie is another one."""
    rooms = rooms_of()
    catch_lie(rooms, ONE, NOW)
    assert asked(rooms, NOW + 900.0) == BOTH
    assert asked(rooms, NOW + 2700.0) == BOTH
    verify_server(rooms, ONE, NOW + 2701.0)
    assert asked(rooms, NOW + 2702.0) == []
    catch_lie(rooms, ONE, NOW + 3000.0)

    assert asked(rooms, NOW + 3899.0) == []
    assert asked(rooms, NOW + 3900.0) == BOTH
    assert asked(rooms, NOW + 5699.0) == []
    assert asked(rooms, NOW + 5700.0) == BOTH


def test_a_registrar_in_quarantine_is_not_verified() -> None:
    """It lied again to the last canary: what it says counts for nothing until that is over."""
    rooms = rooms_of()
    catch_lie(rooms, ONE, NOW)
    assert asked(rooms, NOW + 900.0) == BOTH
    catch_lie(rooms, ONE, NOW + 2600.0)
    assert asked(rooms, NOW + 2700.0) == []
    assert asked(rooms, NOW + 2600.0 + QUARANTINE - 0.01) == []
    assert asked(rooms, NOW + 2600.0 + QUARANTINE) == BOTH


def test_a_registrar_is_not_verified_again_while_its_canary_is_on_its_way() -> None:
    """However slow it is; afterwards it is at once, for that took no turn."""
    rooms = rooms_of()
    catch_lie(rooms, ONE, NOW)
    rooms.canaries.ask_canary(Probe(ONE, "known.com", registered=True), NOW + 800.0)
    (query,) = rooms.take_canaries()
    assert asked(rooms, NOW + 900.0) == []
    answer(rooms, query)

    assert asked(rooms, NOW + 901.0) == BOTH
    assert asked(rooms, NOW + 901.0 + 1799.0) == []
    assert asked(rooms, NOW + 901.0 + 1800.0) == BOTH


def test_each_suffix_of_a_registrar_is_verified_by_itself() -> None:
    """It may sell the one and not the other; the probe of every six hours is in turn for all of them."""
    rooms = rooms_of("com", "net")
    catch_lie(rooms, ONE_NET, NOW)
    queries = ask(rooms, NOW + 900.0)

    assert [query.suffix for query in queries] == ["net", "net"]


@pytest.mark.parametrize("lied", [False, True])
def test_a_registrar_that_never_lied_is_not_verified_beforehand(*, lied: bool) -> None:
    """Its canaries are asked when its word is to count."""
    rooms = rooms_of()
    if lied:
        catch_lie(rooms, ONE, NOW)

    assert asked(rooms, NOW + PROBE_SILENT_EVERY) == (BOTH if lied else [])


def test_a_registrar_that_lied_is_verified_beside_its_probe_of_every_six_hours() -> None:
    """One does not take the place of the other."""
    rooms = rooms_of(heard=False)
    catch_lie(rooms, ONE, NOW - 900.0)

    assert asked(rooms, NOW) == [*KNOWN, *BOTH]
