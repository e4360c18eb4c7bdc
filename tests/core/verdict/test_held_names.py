"""How a release procedure holds a purged name back, and what ends it."""

from __future__ import annotations

import pytest

from common.core.lifecycle.forecast import DAY, HOUR
from common.core.model.channel import ChannelKey
from common.core.model.entry import Entry
from common.core.model.evidence import Outcome
from common.core.model.limit import Limit
from common.core.model.states import State
from tests.core.trust.trust_rooms import NOW, PLENTY, RDAP, WHOIS, TrustRooms, answer_of
from tests.core.verdict.assessor_desk import Desk


def test_a_name_in_a_release_procedure_is_held_until_its_end() -> None:
    """By the calendar of its registry, counted from the purge; a name elsewhere is not held."""
    desk = Desk()
    held, ordinary = Entry("gone.cz", "cz", "gone"), desk.entry
    for entry in (held, ordinary):
        entry.detail.registered_seen, entry.detail.purged_at = NOW - HOUR, NOW
        made = desk.assessor.assess_evidence(entry, NOW)
        assert made.situation.release == ("auction" if entry is held else None)

    assert held.held_until == NOW + 17 * DAY
    assert ordinary.held_until is None


@pytest.mark.parametrize(
    ("state", "until", "asked"),
    [
        (State.DROPPING, NOW + 1.0, False),
        (State.DROPPING, NOW, True),
        (State.DROPPING, None, True),
        (State.PENDING_DELETE, NOW + 1.0, True),
    ],
)
def test_no_canary_is_asked_while_a_release_procedure_holds_a_name_back(
    state: State, until: float | None, *, asked: bool
) -> None:
    """Nothing that a server says could make an alarm before its end."""
    desk = Desk(TrustRooms(limits={"whois/*": Limit("whois/*", 0.01, 1), **PLENTY}), state=state)
    desk.deny(RDAP, WHOIS, verified=False)
    desk.entry.held_until = until

    assert bool(desk.assessor.unverified_servers(desk.entry, NOW)) is asked
    assert bool(desk.assessor.unverified_others(desk.entry, NOW)) is asked


@pytest.mark.parametrize(
    ("outcome", "age", "release"),
    [
        (Outcome.UNREGISTERED, 0.0, None),
        (Outcome.UNREGISTERED, HOUR, None),
        (Outcome.UNREGISTERED, HOUR + 1.0, "auction"),  # from before the name was last seen registered
        (Outcome.DROPPING, 0.0, "auction"),
    ],
)
def test_a_registry_that_shows_names_in_its_auction_ends_it_by_a_denial(
    outcome: Outcome, age: float, release: str | None
) -> None:
    """An honest one of the method that shows them, said since the name was last seen registered."""
    desk, entry = Desk(), Entry("gone.ee", "ee", "gone")
    entry.detail.registered_seen, entry.detail.purged_at = NOW - HOUR, NOW
    entry.note_observation(answer_of(ChannelKey("whois", "whois.ee.test", "ee"), outcome), NOW - age)

    assert desk.assessor.assess_evidence(entry, NOW).situation.release == release


@pytest.mark.parametrize(("shown_by", "release"), [((), "auction"), (("rdap",), None)])
def test_a_channel_that_showed_this_name_in_its_procedure_ends_it_by_a_denial(
    shown_by: tuple[str, ...], release: str | None
) -> None:
    """Also where the registry is not known to show them there."""
    desk, entry = Desk(), Entry("gone.cz", "cz", "gone")
    entry.detail.registered_seen, entry.detail.purged_at, entry.detail.shown_by = NOW - HOUR, NOW, shown_by
    entry.note_observation(answer_of(ChannelKey("rdap", "rdap.cz.test", "cz"), Outcome.UNREGISTERED), NOW)

    assert desk.assessor.assess_evidence(entry, NOW).situation.release == release


@pytest.mark.parametrize(("expires", "release"), [(None, "reallocation"), (NOW - 91 * DAY, None)])
def test_a_procedure_that_is_counted_from_the_expiry_is_over_by_its_date(expires: float | None, release: str | None) -> None:
    """However late the record went."""
    desk, entry = Desk(), Entry("gone.tr", "tr", "gone")
    entry.detail.registered_seen, entry.detail.purged_at, entry.detail.expires_epoch = NOW - HOUR, NOW, expires

    assert desk.assessor.assess_evidence(entry, NOW).situation.release == release
