"""What keeps an alarm back although every registry answer says "no such object"."""

from __future__ import annotations

import pytest

from common.core.builtin.suffix_rules import p_registrable_for
from common.core.channels.channels import zone_of
from common.core.model.entry import Entry
from common.core.model.evidence import Observation, Outcome, unknown_reading
from common.core.model.limit import Limit
from common.core.model.states import State
from common.core.parsers import whois
from common.core.verdict.assessor import Assessment, Assessor
from tests.core.trust.trust_rooms import NOW, PLENTY, TrustRooms, answer_of, verify_server


def denied_name(rooms: TrustRooms, suffix: str, *, had_holder: bool = True) -> Entry:
    """A name that was pending delete, and that zone and registry denied in two passes; their servers are verified."""
    entry = Entry(f"example.{suffix}", suffix, "example", state=State.PENDING_DELETE)
    for key in (*rooms.registries.channels_of(suffix), zone_of(suffix)):
        entry.note_observation(answer_of(key, Outcome.UNREGISTERED), NOW)
        verify_server(rooms, key, NOW)
    entry.detail.passes = (NOW - 30.0, NOW)
    entry.detail.registered_seen = NOW - 3600.0 if had_holder else None
    return entry


def assess(rooms: TrustRooms, entry: Entry) -> Assessment:
    """The assessment of a name as everything stands."""
    assessor = Assessor(rooms.registries, rooms.channels, rooms.trust, rooms.conditions, rooms.domains.cadence)
    return assessor.assess_evidence(entry, NOW)


def test_a_name_that_verified_servers_deny_in_two_passes_is_available() -> None:
    """What each of the tests below takes something away from."""
    rooms = TrustRooms()

    assert assess(rooms, denied_name(rooms, "com")).verdict.state is State.AVAILABLE


@pytest.mark.parametrize("finding", ["dns_suffix_gone", "dns_tld_gone"])
def test_nothing_is_available_under_a_suffix_that_the_root_does_not_know(finding: str) -> None:
    """RDAP and WHOIS go on answering, canaries included, and say that there is no such object."""
    rooms = TrustRooms()
    entry = denied_name(rooms, "com")
    entry.note_observation(Observation("dns", unknown_reading(finding, "the top-level domain does not exist")), NOW)
    made = assess(rooms, entry)

    assert made.verdict.state is State.PENDING_DELETE
    assert entry.detail.gates == ("the root zone does not know the top-level domain",)


def test_without_a_whois_server_only_a_name_that_had_a_holder_counts_as_free_for_all() -> None:
    """RDAP answers 404 for reserved and premium names too; no server is there that would say so."""
    rooms = TrustRooms(limits={"whois/*": Limit("whois/*", 0.0, 1), **PLENTY})  # a rate of 0 switches a server off
    never, once = (assess(rooms, denied_name(rooms, "com", had_holder=had_holder)) for had_holder in (False, True))

    assert rooms.registries.server_of("whois", "com") is None
    assert never.situation.p_registrable < 0.95 <= once.situation.p_registrable
    assert (never.verdict.state, once.verdict.state) == (State.UNREGISTERED, State.AVAILABLE)


def test_no_registry_takes_a_label_of_mixed_alphabets() -> None:
    """Latin with one Cyrillic letter in it: its absence at the registry says nothing."""
    assert p_registrable_for("xn--bnk-of-lab-zqi", "com") == 0.0
    assert p_registrable_for("xn--bcher-kva", "com") == p_registrable_for("buecher", "com")


def test_a_dpml_block_is_read_in_whatever_line_it_stands() -> None:
    """The word alone tells; the line needs no other."""
    reading = whois.parse_whois_answer("This name is subject to a DPML block.\n", "example.me", "whois.nic.me", strict=True)

    assert (reading.outcome, reading.finding) == (Outcome.RESERVED, "whois_reserved")
