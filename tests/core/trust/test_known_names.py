"""Which names serve as canaries, and which of them may accuse a server."""

from __future__ import annotations

from common.core.builtin.canary_names import canaries_for
from common.core.model.channel import ChannelKey, Probe
from common.core.model.entry import Entry
from common.core.model.evidence import Observation, Outcome
from common.core.trust.known_names import MOST_DEAD, RECENT, RECENT_AGE, KnownNames
from tests.core.trust.trust_rooms import EPP, NOW, ONE, RDAP, ZONE, answer_of

DAS = ChannelKey("das", "das.com.test", "com")


def note_seen(known: KnownNames, name: str, at: float, *, rdap: Outcome, dns: Outcome = Outcome.REGISTERED) -> None:
    """Registry and zone say this of a name."""
    entry, answers = Entry(name, "com", name.removesuffix(".com")), (answer_of(ZONE, dns), answer_of(RDAP, rdap))
    for answer in answers:
        entry.note_observation(answer, at)
        known.note_registered(entry, answer, at)


def test_the_operators_canaries_come_before_all_others() -> None:
    """Beside them nothing else is asked about, and never the name in question."""
    known = KnownNames({"com": ("one.com", "two.com")})
    note_seen(known, "held.com", NOW, rdap=Outcome.REGISTERED)

    assert known.canaries_for(RDAP, "") == ("one.com", "two.com")
    assert known.canaries_for(RDAP, "one.com") == ("two.com",)


def test_names_lately_found_registered_come_before_built_in_ones() -> None:
    """The newest first."""
    known = KnownNames({})
    note_seen(known, "old.com", NOW, rdap=Outcome.REGISTERED)
    note_seen(known, "new.com", NOW + 1.0, rdap=Outcome.REGISTERED)

    assert known.canaries_for(RDAP, "") == ("new.com", "old.com", *canaries_for("com"))


def test_only_so_many_names_are_remembered_as_lately_found() -> None:
    """The one that was found longest ago makes room."""
    known = KnownNames({})
    for number in range(RECENT + 1):
        note_seen(known, f"n{number}.com", NOW + number, rdap=Outcome.REGISTERED)
    names = known.canaries_for(RDAP, "")[:RECENT]

    assert names == tuple(f"n{number}.com" for number in range(RECENT, 0, -1))
    assert len(known.canaries_for(RDAP, "")) == 5 + len(canaries_for("com"))


def test_a_name_is_lately_found_only_where_registry_and_zone_agree() -> None:
    """One of them alone may lie."""
    known = KnownNames({})
    note_seen(known, "denied.com", NOW, rdap=Outcome.UNREGISTERED)
    note_seen(known, "undelegated.com", NOW, rdap=Outcome.REGISTERED, dns=Outcome.UNREGISTERED)
    zone_only, seen = Entry("zone.com", "com", "zone"), answer_of(ZONE, Outcome.REGISTERED)
    zone_only.note_observation(seen, NOW)
    known.note_registered(zone_only, seen, NOW)
    registry_only, record = Entry("registry.com", "com", "registry"), answer_of(RDAP, Outcome.REGISTERED)
    registry_only.note_observation(record, NOW)
    known.note_registered(registry_only, record, NOW)

    assert known.canaries_for(RDAP, "") == tuple(canaries_for("com"))


def test_every_channel_of_the_registry_has_to_agree_that_a_name_is_registered() -> None:
    """DAS and EPP among them; what a registrar says is not asked."""
    for key, recent in ((DAS, False), (EPP, False), (ONE, True)):
        known, entry = KnownNames({}), Entry("held.com", "com", "held")
        for answer in (answer_of(key, Outcome.UNREGISTERED), answer_of(ZONE, Outcome.REGISTERED)):
            entry.note_observation(answer, NOW)
        record = answer_of(RDAP, Outcome.REGISTERED)
        entry.note_observation(record, NOW)
        known.note_registered(entry, record, NOW)
        assert ("held.com" in known.canaries_for(RDAP, "")) is recent


def test_a_name_that_is_not_registered_any_more_serves_no_longer() -> None:
    """Whichever channel says so; an answer of no state counts like a denial."""
    known = KnownNames({})
    note_seen(known, "held.com", NOW, rdap=Outcome.REGISTERED)
    note_seen(known, "held.com", NOW + 1.0, rdap=Outcome.UNREGISTERED)

    assert "held.com" not in known.canaries_for(RDAP, "")


def test_a_name_that_the_registry_denies_after_it_was_found_serves_no_longer() -> None:
    """The zone may show it for a while yet."""
    known, entry = KnownNames({}), Entry("held.com", "com", "held")
    for key, outcome in ((ZONE, Outcome.REGISTERED), (RDAP, Outcome.REGISTERED), (RDAP, Outcome.UNREGISTERED)):
        answer = answer_of(key, outcome)
        entry.note_observation(answer, NOW)
        known.note_registered(entry, answer, NOW)

    assert known.canaries_for(RDAP, "") == tuple(canaries_for("com"))


def test_a_canary_is_certain_for_two_hours_after_it_was_found_registered() -> None:
    """The operator's own always are, built-in ones never."""
    known = KnownNames({"net": ("mine.net",)})
    note_seen(known, "held.com", NOW, rdap=Outcome.REGISTERED)
    held, built_in = Probe(RDAP, "held.com", registered=True), Probe(RDAP, canaries_for("com")[0], registered=True)

    assert known.is_certain(held, NOW + RECENT_AGE)
    assert not known.is_certain(held, NOW + RECENT_AGE + 0.1)
    assert not known.is_certain(built_in, NOW)
    assert known.is_certain(Probe(RDAP._replace(suffix="net"), "mine.net", registered=True), NOW)


def test_a_dead_canary_is_not_used_again() -> None:
    """Neither one of the operator, whose others stay, nor a built-in one."""
    known = KnownNames({"com": ("one.com", "two.com")})
    known.retire_canary("one.com")
    assert known.canaries_for(RDAP, "") == ("two.com",)
    assert known.is_dead("one.com")

    known.retire_canary("two.com")
    known.retire_canary(canaries_for("com")[0])
    assert known.canaries_for(RDAP, "") == tuple(canaries_for("com")[1:])


def test_only_so_many_canaries_are_remembered_as_dead() -> None:
    """The one that has been dead for longest is given another chance."""
    known = KnownNames({})
    for number in range(MOST_DEAD + 1):
        known.retire_canary(f"n{number}.com")

    assert not known.is_dead("n0.com")
    assert all(known.is_dead(f"n{number}.com") for number in range(1, MOST_DEAD + 1))


def test_an_answer_that_proves_nothing_takes_no_name_away_from_the_evidence() -> None:
    """What registry and zone said before still stands."""
    known, entry = KnownNames({}), Entry("held.com", "com", "held")
    for answer in (answer_of(ZONE, Outcome.REGISTERED), answer_of(RDAP, Outcome.REGISTERED)):
        entry.note_observation(answer, NOW)
        known.note_registered(entry, answer, NOW)
    silence: Observation = answer_of(RDAP, Outcome.UNKNOWN)
    entry.note_observation(silence, NOW + 1.0)
    known.note_registered(entry, silence, NOW + 1.0)

    assert known.canaries_for(RDAP, "")[0] == "held.com"
