"""Names under check that the registry denies, or says nothing of, and answers about them."""

from __future__ import annotations

from common.core.model.channel import ChannelKey
from common.core.model.entry import Entry
from common.core.model.evidence import Observation, Outcome, Reading, unknown_reading
from common.core.model.states import State
from tests.core.checks.checks_room import NOW, RDAP, SOURCES, WHOIS, ChecksRoom
from tests.core.trust.trust_rooms import verify_channel

ONE, TWO = "registrar:one", "registrar:two"
REGISTRARS = SOURCES[:2]
ONE_KEY, ZONE = ChannelKey(ONE, "one.test", "com"), ChannelKey("dns", "com", "com")
FINDINGS = {
    Outcome.UNREGISTERED: {
        "dns": "dns_auth_nxdomain",
        "rdap": "rdap_404_json",
        "whois": "whois_free",
        "epp": "epp_available",
        ONE: "registrar_available_live",
    },
    Outcome.PREMIUM: {ONE: "registrar_premium"},
    Outcome.UNAVAILABLE: {ONE: "registrar_unavailable"},
    Outcome.REGISTERED: {
        "dns": "dns_auth_referral",
        "rdap": "rdap_200_match",
        "whois": "whois_registered",
        ONE: "registrar_registered",
    },
}
FREE = Outcome.UNREGISTERED


def answer(method: str, outcome: Outcome) -> Observation:
    """An answer of the usual server of com."""
    server = {"dns": "com", ONE: "one.test", TWO: "two.test"}.get(method, f"{method}.com.test")
    return Observation(method, Reading(outcome, FINDINGS[outcome][method], "said so"), server=server)


def denied_name(room: ChecksRoom) -> Entry:
    """A name whose check began at NOW and that RDAP denies two seconds later."""
    entry = room.load("a.com")
    room.checks.begin_check(entry, NOW)
    room.checks.take_answer(entry, answer("dns", FREE), NOW + 1)
    room.checks.take_answer(entry, answer("rdap", FREE), NOW + 2)
    return entry


def silence_of(method: str) -> Observation:
    """No answer of the usual server of com."""
    server = {ONE: "one.test", TWO: "two.test"}.get(method, f"{method}.com.test")
    return Observation(method, unknown_reading(f"{method.partition(':')[0]}_timeout", "no answer"), server=server)


def silent_name(room: ChecksRoom) -> Entry:
    """A name whose check began at NOW, which its zone denies, and of which its registry says nothing."""
    entry = room.load("a.com")
    room.checks.begin_check(entry, NOW)
    room.checks.take_answer(entry, answer("dns", FREE), NOW + 1)
    for method in ("rdap", "whois"):
        room.checks.take_answer(entry, silence_of(method), NOW + 2)
    return entry


def sure_name(room: ChecksRoom) -> Entry:
    """A name without a check that two verified sources denied in two passes: nothing but a verdict is missing."""
    entry = room.load("a.com")
    entry.state, detail = State.PENDING_DELETE, entry.detail
    detail.registered_seen = NOW - 3600.0
    for key in (RDAP, WHOIS, ZONE):
        entry.note_observation(answer(key.method, FREE), NOW)
        verify_channel(room.trust, key, NOW)
    detail.purged_at, detail.passes = NOW - 30.0, (NOW - 30.0, NOW)
    return entry
