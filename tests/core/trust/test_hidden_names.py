"""Names that are registered but not in the zone, which show a source that answers from the zone or from a cache."""

from __future__ import annotations

import pytest

from common.core.model.channel import ChannelKey
from common.core.model.entry import DropWindow, Entry
from common.core.model.evidence import Outcome, Phase
from common.core.model.states import State
from common.core.trust.hidden_names import LATELY, HiddenNames
from tests.core.trust.trust_rooms import EPP, NOW, ONE, RDAP, WHOIS, ZONE, answer_of

DAY, TICK = 86_400.0, 0.001
DAS = ChannelKey("das", "das.com.test", "com")
#: A drop window that is now, and one that is far off.
SOON = DropWindow(NOW - 60, NOW, NOW + 60, 0.9)
LATER = DropWindow(NOW + 3 * DAY, NOW + 3.5 * DAY, NOW + 4 * DAY, 0.9)


def name_of(
    phase: Phase | None = Phase.REDEMPTION,
    state: State = State.REDEMPTION,
    drop: DropWindow | None = None,
    name: str = "hidden.com",
) -> Entry:
    """A name that the registry shows in this phase."""
    label, _, suffix = name.partition(".")
    entry = Entry(name, suffix, label, state=state, drop=drop)
    entry.detail.phase = phase.value if phase else None
    return entry


def noted(entry: Entry, key: ChannelKey = RDAP, outcome: Outcome = Outcome.REGISTERED) -> str | None:
    """The hidden name of com after a channel said this of a name."""
    hidden = HiddenNames()
    hidden.note_record(entry, answer_of(key, outcome), NOW)
    return hidden.find_name("com", NOW)


@pytest.mark.parametrize(
    ("phase", "state", "drop", "is_hidden"),
    [
        (Phase.UNDELEGATED, State.UNDELEGATED, None, True),
        (Phase.REDEMPTION, State.REDEMPTION, None, True),
        (Phase.REDEMPTION, State.REDEMPTION, LATER, True),
        (Phase.PENDING_RESTORE, State.REDEMPTION, None, True),
        (Phase.PENDING_DELETE, State.PENDING_DELETE, LATER, True),
        (Phase.PENDING_DELETE, State.PENDING_DELETE, None, False),  # it may drop at any moment
        (Phase.PENDING_DELETE, State.PENDING_DELETE, SOON, False),
        (Phase.REDEMPTION, State.REDEMPTION, SOON, False),
        (Phase.UNDELEGATED, State.UNDELEGATED, SOON, False),
        (Phase.ACTIVE, State.UNDELEGATED, None, True),  # the zone says so, and not the record
        (Phase.ACTIVE, State.UNDELEGATED, SOON, False),
        (Phase.ACTIVE, State.REGISTERED, None, False),
        (Phase.ACTIVE, State.UNKNOWN, None, False),
        (Phase.EXPIRED_GRACE, State.EXPIRED_GRACE, None, False),  # it is in the zone, mostly
        (Phase.EXPIRED_GRACE, State.UNDELEGATED, None, False),
        (Phase.DROPPING, State.DROPPING, None, False),
        (Phase.DROPPING, State.DROPPING, LATER, False),
        (None, State.UNDELEGATED, None, False),
        (None, State.REDEMPTION, LATER, False),
    ],
)
def test_a_name_is_hidden_that_is_registered_and_not_in_the_zone_and_will_not_drop_shortly(
    phase: Phase | None, state: State, drop: DropWindow | None, is_hidden: bool
) -> None:
    """By the record, or an active one by its state; of one in pending delete it has to be known when it may drop."""
    assert noted(name_of(phase, state, drop)) == ("hidden.com" if is_hidden else None)


@pytest.mark.parametrize(
    ("key", "is_hidden"), [(RDAP, True), (WHOIS, True), (DAS, False), (EPP, False), (ONE, False), (ZONE, False)]
)
def test_only_a_record_of_the_registry_shows_a_hidden_name(key: ChannelKey, is_hidden: bool) -> None:
    """The other channels show no phase, and a registrar may be the one in question."""
    assert (noted(name_of(), key) is not None) is is_hidden


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.REGISTERED])
def test_an_answer_that_shows_no_registration_shows_no_hidden_name(outcome: Outcome) -> None:
    """Whatever phase the record before it showed."""
    assert noted(name_of(), RDAP, outcome) is None


def test_a_hidden_name_serves_for_a_quarter_of_an_hour_after_its_record() -> None:
    """To the tick; a new record begins it anew."""
    hidden = HiddenNames()
    assert LATELY == 900.0
    assert hidden.find_name("com", NOW) is None
    hidden.note_record(name_of(), answer_of(RDAP, Outcome.REGISTERED), NOW)
    assert hidden.find_name("com", NOW + LATELY) == "hidden.com"
    assert hidden.find_name("com", NOW + LATELY + TICK) is None

    hidden.note_record(name_of(), answer_of(WHOIS, Outcome.REGISTERED), NOW + 1.0)
    assert hidden.find_name("com", NOW + LATELY + 1.0) == "hidden.com"


def test_the_last_hidden_name_of_each_suffix_serves() -> None:
    """One of another suffix takes nothing from it."""
    hidden = HiddenNames()
    for name in ("old.com", "new.com", "other.net"):
        hidden.note_record(name_of(name=name), answer_of(RDAP, Outcome.REGISTERED), NOW)

    assert [hidden.find_name(suffix, NOW) for suffix in ("com", "net", "org")] == ["new.com", "other.net", None]


def test_a_hidden_name_serves_until_the_registry_denies_that_name() -> None:
    """Neither the denial of another name nor another answer about it takes it away."""
    hidden, held, other = HiddenNames(), name_of(), name_of(name="gone.com")
    hidden.note_record(held, answer_of(RDAP, Outcome.REGISTERED), NOW)
    other.detail.purged_at = NOW
    hidden.note_record(other, answer_of(RDAP, Outcome.UNREGISTERED), NOW)
    hidden.note_record(held, answer_of(RDAP, Outcome.UNKNOWN), NOW)
    assert hidden.find_name("com", NOW) == held.name
    held.detail.purged_at = NOW
    hidden.note_record(held, answer_of(RDAP, Outcome.UNREGISTERED), NOW)

    assert hidden.find_name("com", NOW) is None
