"""Which methods a check queries next: layers are climbed only as far as the evidence calls for it."""

from __future__ import annotations

import pytest

from common.core.checks.escalation import INCONCLUSIVE_CHECKS, ChannelOffer, next_methods
from common.core.model.entry import Check, Entry
from common.core.model.evidence import Observation, Outcome, Phase, Reading
from common.core.model.records import Evidence
from common.core.model.states import State

NOW = 1_790_000_000.0
BOTH = ChannelOffer(("rdap", "whois"), wildcard=False)
RESTING_ZONE = ChannelOffer(("rdap", "whois"), wildcard=False, resting=frozenset({"dns"}))


def entry(state: State = State.REGISTERED, phase: Phase | None = Phase.ACTIVE, registry_age: float = 60.0) -> Entry:
    """A name whose registry record is that old."""
    made = Entry("example.com", "com", "example", state=state)
    made.detail.phase = phase.value if phase else None
    made.detail.registry_at = NOW - registry_age
    made.detail.expires_epoch = NOW + 200 * 86_400
    return made


def after(said: dict[str, Outcome]) -> Check:
    """A check in which these methods have answered."""
    return Check(NOW, asked=set(said), outcomes=dict(said))


@pytest.mark.parametrize(
    ("name", "check", "channels", "wanted"),
    [
        (entry(), Check(NOW), BOTH, ["dns"]),
        (entry(), after({"dns": Outcome.REGISTERED}), BOTH, []),
        (entry(registry_age=8 * 86_400), after({"dns": Outcome.REGISTERED}), BOTH, ["rdap"]),
        (entry(), after({"dns": Outcome.UNREGISTERED}), BOTH, ["rdap"]),
        (entry(), after({"dns": Outcome.UNKNOWN}), BOTH, ["http"]),
        (entry(), after({"dns": Outcome.UNKNOWN, "http": Outcome.UNKNOWN}), BOTH, []),
        (entry(State.UNKNOWN, None), after({"dns": Outcome.UNKNOWN, "http": Outcome.UNKNOWN}), BOTH, ["rdap"]),
        (entry(), after({"dns": Outcome.UNREGISTERED, "rdap": Outcome.UNREGISTERED}), BOTH, ["whois"]),
        (entry(), after({"dns": Outcome.UNREGISTERED, "rdap": Outcome.UNKNOWN}), BOTH, ["whois"]),
        (entry(), after({"dns": Outcome.UNREGISTERED, "rdap": Outcome.REGISTERED}), BOTH, []),
        (entry(State.PENDING_DELETE, Phase.PENDING_DELETE), Check(NOW), BOTH, ["rdap"]),
        (
            entry(State.PENDING_DELETE, Phase.PENDING_DELETE),
            after({"rdap": Outcome.UNREGISTERED}),
            BOTH,
            ["whois", "dns"],
        ),
        (entry(), Check(NOW, confirm=True), BOTH, ["dns", "rdap", "whois"]),
        (entry(), Check(NOW, confirm=True), RESTING_ZONE, ["rdap", "whois"]),
        (
            entry(),
            Check(NOW, confirm=True),
            ChannelOffer((), wildcard=False, resting=frozenset({"dns"})),
            ["dns"],
        ),
        (entry(), Check(NOW, manual=True), RESTING_ZONE, ["dns", "rdap", "whois"]),
        (entry(), Check(NOW), RESTING_ZONE, ["dns"]),
        (
            entry(State.PENDING_DELETE, Phase.PENDING_DELETE),
            after({"rdap": Outcome.UNREGISTERED}),
            RESTING_ZONE,
            ["whois"],
        ),
        (entry(), Check(NOW), ChannelOffer(("whois",), wildcard=True), ["whois"]),
        (entry(State.AVAILABLE, None), after({"dns": Outcome.UNREGISTERED, "rdap": Outcome.UNREGISTERED}), BOTH, ["whois"]),
    ],
)
def test_layers_are_climbed_only_as_far_as_the_evidence_asks(
    name: Entry, check: Check, channels: ChannelOffer, wanted: list[str]
) -> None:
    """Delegated names stop at one DNS query; after a first denial every channel is queried."""
    assert next_methods(name, check, channels, NOW) == wanted


def test_a_reservation_is_queried_again_after_a_day() -> None:
    """It can be lifted; until then one registry answer per check is enough."""
    name = entry(State.RESERVED, None)
    reserved = Observation("whois", Reading(Outcome.RESERVED, "whois_reserved", "reserved"))
    check = after({"dns": Outcome.UNREGISTERED, "rdap": Outcome.UNREGISTERED})
    name.detail.evidence["whois"] = Evidence(reserved, NOW - 3600, NOW - 3600)
    assert next_methods(name, check, BOTH, NOW) == []

    name.detail.evidence["whois"] = Evidence(reserved, NOW - 90_000, NOW - 90_000)
    assert next_methods(name, check, BOTH, NOW) == ["whois"]


def test_the_registry_is_queried_after_inconclusive_checks_in_a_row() -> None:
    """A single DNS timeout is no reason; a web server that answers shows that the name is delegated."""
    name = entry()
    silent = after({"dns": Outcome.UNKNOWN, "http": Outcome.UNKNOWN})
    name.detail.unknown_rounds = INCONCLUSIVE_CHECKS - 1
    assert next_methods(name, silent, BOTH, NOW) == []

    name.detail.unknown_rounds = INCONCLUSIVE_CHECKS
    assert next_methods(name, silent, BOTH, NOW) == ["rdap"]
    assert next_methods(name, after({"dns": Outcome.UNKNOWN, "http": Outcome.REGISTERED}), BOTH, NOW) == []


@pytest.mark.parametrize(
    ("offer", "methods"),
    [
        (BOTH, ["rdap", "whois"]),
        (ChannelOffer(("rdap", "whois"), wildcard=False, resting=frozenset({"rdap"})), ["whois"]),
        (ChannelOffer(("rdap", "whois"), wildcard=False, slow=frozenset({"whois"})), ["rdap"]),
        (ChannelOffer(("rdap", "whois"), wildcard=False, resting=frozenset({"rdap", "whois"})), ["rdap", "whois"]),
        (ChannelOffer((), wildcard=False), []),
    ],
)
def test_resting_and_slow_channels_are_queried_only_where_no_other_is_left(offer: ChannelOffer, methods: list[str]) -> None:
    """RDAP first."""
    assert offer.registry_methods() == methods


def test_a_slow_channel_is_queried_at_the_first_denial() -> None:
    """Once, beside the others: nothing waits for it later."""
    slow = ChannelOffer(("rdap", "whois"), wildcard=False, slow=frozenset({"whois"}))

    assert next_methods(entry(), after({"dns": Outcome.UNREGISTERED, "rdap": Outcome.UNREGISTERED}), slow, NOW) == ["whois"]
    assert next_methods(entry(), Check(NOW, confirm=True), slow, NOW) == ["dns", "rdap"]
