"""What is undone when a server turns out to have lied: its answers since it was last right, and the passes built on them."""

from __future__ import annotations

import pytest

from common.core.model.channel import ChannelKey
from common.core.model.entry import Entry
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.trust.lies import drop_evidence, trust_key
from tests.core.trust.trust_rooms import EPP, NOW, ONE, RDAP, WHOIS, ZONE, answer_of

KEYS = {"rdap": RDAP, "whois": WHOIS, "dns": ZONE, "epp": EPP, ONE.method: ONE}
FREE = Outcome.UNREGISTERED
FIRST, SECOND, TICK = NOW - 60.0, NOW - 30.0, 0.001


def name_with(said: dict[str, Outcome], *, at: float = SECOND - 1.0) -> Entry:
    """A name with these answers, two passes and a purge noticed in the first."""
    entry = Entry("gone.com", "com", "gone")
    for method, outcome in said.items():
        entry.note_observation(answer_of(KEYS[method], outcome), at)
    detail = entry.detail
    detail.passes, detail.verified, detail.basis, detail.purged_at = (FIRST, SECOND), (FIRST,), "sources", FIRST
    return entry


def test_a_denial_goes_with_the_passes_that_rested_on_it() -> None:
    """And with what was concluded from them: nothing says any more that the name was purged."""
    entry = name_with({"rdap": Outcome.UNREGISTERED})
    item = entry.detail.evidence["rdap"]

    assert drop_evidence(entry, "rdap", NOW - 100.0, NOW) == {"rdap": item}
    detail = entry.detail
    assert (detail.evidence, detail.passes, detail.verified, detail.basis, detail.purged_at) == ({}, (), (), "", None)


@pytest.mark.parametrize(("said", "since"), [(Outcome.REGISTERED, NOW - 100.0), (Outcome.UNREGISTERED, SECOND)])
def test_an_answer_stays_that_says_registered_or_is_older_than_the_last_right_canary(said: Outcome, since: float) -> None:
    """A lying server that denies everything did not invent a registration, and before that it told the truth."""
    entry = name_with({"rdap": said})

    assert drop_evidence(entry, "rdap", since, NOW) == {}
    assert set(entry.detail.evidence) == {"rdap"}
    assert entry.detail.passes == (FIRST, SECOND)


def test_a_method_that_said_nothing_takes_nothing_away() -> None:
    """There is no evidence to drop."""
    entry = name_with({"rdap": Outcome.UNREGISTERED})

    assert drop_evidence(entry, "whois", 0.0, NOW) == {}
    assert entry.detail.passes == (FIRST, SECOND)


def test_the_last_pass_stands_where_another_registry_channel_denied_the_name_in_it_too() -> None:
    """The earlier passes go, and the purge counts from what the other channel said."""
    entry = name_with({"rdap": Outcome.UNREGISTERED, "whois": Outcome.UNREGISTERED})
    drop_evidence(entry, "rdap", NOW - 100.0, NOW)

    assert entry.detail.passes == (SECOND,)
    assert entry.detail.verified == ()
    assert entry.detail.purged_at == SECOND - 1.0


def test_the_zone_makes_no_pass_stand_alone() -> None:
    """Only a registry channel does."""
    entry = name_with({"rdap": Outcome.UNREGISTERED, "dns": Outcome.UNREGISTERED})
    drop_evidence(entry, "rdap", NOW - 100.0, NOW)

    assert entry.detail.passes == ()


def test_passes_from_after_the_server_was_caught_stand() -> None:
    """They rest on other answers."""
    entry = name_with({"rdap": Outcome.UNREGISTERED})
    entry.detail.verified = (FIRST, SECOND)
    drop_evidence(entry, "rdap", NOW - 100.0, SECOND - 0.5)

    assert (entry.detail.passes, entry.detail.verified) == ((SECOND,), (SECOND,))


def test_a_denial_from_before_the_name_was_last_seen_registered_makes_no_pass_stand() -> None:
    """It is about another registration."""
    entry = name_with({"rdap": Outcome.UNREGISTERED, "whois": Outcome.UNREGISTERED})
    entry.detail.registered_seen = SECOND - 0.5
    drop_evidence(entry, "rdap", NOW - 100.0, NOW)

    assert (entry.detail.passes, entry.detail.purged_at) == ((), None)


def test_a_lying_zone_leaves_the_purge_that_the_registry_told() -> None:
    """Its denial is no news of the registry."""
    entry = name_with({"dns": Outcome.UNREGISTERED})
    drop_evidence(entry, "dns", NOW - 100.0, NOW)

    assert entry.detail.purged_at == FIRST


def test_an_answer_is_verified_by_the_canaries_of_its_server_or_zone() -> None:
    """DNS has no server of its own: the suffix stands for it."""
    entry = name_with({"rdap": Outcome.UNREGISTERED, "dns": Outcome.UNREGISTERED})
    zone = Observation("dns", Reading(FREE, "dns_auth_nxdomain", "so it says"))
    entry.note_observation(zone, NOW)
    keys = {method: trust_key(entry, method, item) for method, item in entry.detail.evidence.items()}

    assert keys == {"rdap": RDAP, "dns": ChannelKey("dns", "com", "com")}


# -- to the tick ---------------------------------------------------------------------------------------------------------


def test_an_answer_of_the_moment_of_the_last_right_canary_is_in_doubt() -> None:
    """Which came first is not known; a pass of the moment in which the lie was found goes with it."""
    entry = name_with({"rdap": FREE})

    assert drop_evidence(entry, "rdap", SECOND - 1.0, SECOND) != {}
    assert entry.detail.passes == ()


@pytest.mark.parametrize(
    ("at", "passes"),
    [(FIRST, ()), (FIRST + TICK, (SECOND,)), (SECOND, (SECOND,)), (SECOND + TICK, ())],
)
def test_the_last_pass_stands_by_a_denial_from_after_the_pass_before_until_its_own_moment(
    at: float, passes: tuple[float, ...]
) -> None:
    """Another one is part of another pass."""
    entry = name_with({"rdap": FREE})
    entry.note_observation(answer_of(WHOIS, FREE), at)
    drop_evidence(entry, "rdap", NOW - 100.0, NOW)

    assert entry.detail.passes == passes


def test_an_only_pass_stands_by_a_denial_of_whatever_age() -> None:
    """There is no pass before it, and without any nothing stands."""
    entry = name_with({"rdap": FREE, "whois": FREE}, at=FIRST - 3600.0)
    entry.detail.passes = (FIRST,)
    drop_evidence(entry, "rdap", 0.0, NOW)
    assert entry.detail.passes == (FIRST,)

    entry.detail.passes = ()
    drop_evidence(entry, "whois", 0.0, NOW)
    assert entry.detail.passes == ()


def test_a_denial_of_the_moment_in_which_the_name_was_seen_registered_counts() -> None:
    """Two methods may have answered in one moment."""
    entry = name_with({"rdap": FREE, "whois": FREE})
    entry.detail.registered_seen = SECOND - 1.0
    drop_evidence(entry, "rdap", NOW - 100.0, NOW)

    assert (entry.detail.passes, entry.detail.purged_at) == ((SECOND,), SECOND - 1.0)


# -- what sources that create names said ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "outcome"),
    [
        (ONE.method, Outcome.UNAVAILABLE),
        (ONE.method, Outcome.RESERVED),
        (ONE.method, Outcome.DROPPING),
        (ONE.method, Outcome.INVALID),
        ("epp", Outcome.UNAVAILABLE),
    ],
)
def test_a_refusal_takes_no_pass_with_it(method: str, outcome: Outcome) -> None:
    """It was part of none: a vendor that does not sell the suffix refuses its random canary too."""
    entry = name_with({"rdap": FREE, method: outcome})
    item = entry.detail.evidence[method]
    assert drop_evidence(entry, method, NOW - 100.0, NOW) == {method: item}
    detail = entry.detail

    assert set(detail.evidence) == {"rdap"}
    assert (detail.passes, detail.verified, detail.basis, detail.purged_at) == ((FIRST, SECOND), (FIRST,), "sources", FIRST)


@pytest.mark.parametrize("method", ["epp", ONE.method])
@pytest.mark.parametrize("outcome", [FREE, Outcome.PREMIUM])
def test_an_offer_goes_with_the_passes_that_rested_on_it(method: str, outcome: Outcome) -> None:
    """At whatever price: it denied the name."""
    entry = name_with({method: outcome})
    drop_evidence(entry, method, NOW - 100.0, NOW)
    detail = entry.detail

    assert (detail.evidence, detail.passes, detail.basis, detail.purged_at) == ({}, (), "", None)


@pytest.mark.parametrize("method", ["epp", ONE.method])
@pytest.mark.parametrize("outcome", [FREE, Outcome.PREMIUM])
def test_an_offer_at_whatever_price_lets_the_last_pass_stand_and_keeps_the_purge(method: str, outcome: Outcome) -> None:
    """It denies the name as the channel does that lied."""
    entry = name_with({"rdap": FREE, method: outcome})
    drop_evidence(entry, "rdap", NOW - 100.0, NOW)

    assert (entry.detail.passes, entry.detail.purged_at) == ((SECOND,), SECOND - 1.0)


@pytest.mark.parametrize("outcome", [Outcome.UNAVAILABLE, Outcome.REGISTERED])
def test_a_refusal_lets_no_pass_stand(outcome: Outcome) -> None:
    """It does not say that there is no object."""
    entry = name_with({"rdap": FREE, ONE.method: outcome})
    drop_evidence(entry, "rdap", NOW - 100.0, NOW)

    assert (entry.detail.passes, entry.detail.purged_at) == ((), None)


def test_a_hint_lets_no_pass_stand() -> None:
    """It is no denial for the gates either."""
    entry = name_with({"rdap": FREE})
    hint = Reading(FREE, "registrar_available_cached", "it thinks so")
    entry.note_observation(Observation(ONE.method, hint, server=ONE.server), SECOND - 1.0)
    drop_evidence(entry, "rdap", NOW - 100.0, NOW)

    assert (entry.detail.passes, entry.detail.purged_at) == ((), None)
