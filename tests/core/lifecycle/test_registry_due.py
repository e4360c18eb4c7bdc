"""How old the registry's record of a name may be before it is asked for again."""

from __future__ import annotations

import pytest

from common.core.lifecycle.registry_due import (
    CATCHER_EVERY,
    CATCHER_SOUGHT,
    DAY,
    record_interval,
    registry_due,
    registry_due_at,
)
from common.core.model.entry import Entry
from common.core.model.evidence import Observation, Outcome, Phase, Reading
from common.core.model.records import Evidence
from common.core.schedule.registry_pace import HELD, HELD_EXPIRING, IN_GRACE, IN_ZONE

NOW = 1_790_000_000.0


def caught(seen_at: float | None, method: str = "rdap", caught_at: float = NOW) -> Entry:
    """A name that dropped a minute before it was seen registered again, and whose record was seen at a time."""
    entry = Entry("name.com", "com", "name")
    entry.detail.dropped_at, entry.detail.caught_at, entry.detail.registry_at = caught_at - 60, caught_at, NOW
    if seen_at is not None:
        reading = Reading(Outcome.REGISTERED, f"{method}_x", "found")
        entry.detail.evidence[method] = Evidence(Observation(method, reading), seen_at, seen_at)
    return entry


@pytest.mark.parametrize(
    ("entry", "interval"),
    [
        (caught(None), CATCHER_EVERY),
        (caught(NOW - 60), CATCHER_EVERY),  # the record of the holder before
        (caught(NOW, "dns"), CATCHER_EVERY),
        (caught(NOW - 59), IN_ZONE),
        (caught(NOW, "whois"), IN_ZONE),
    ],
)
def test_the_record_of_a_caught_name_is_sought_until_it_names_the_registrar(entry: Entry, interval: float) -> None:
    """Every ten minutes, then as calmly as that of any other name."""
    assert registry_due_at(entry, NOW) == NOW + interval
    assert not registry_due(entry, NOW + interval - 1)
    assert registry_due(entry, NOW + interval)


def test_it_is_sought_for_a_day() -> None:
    """A registry that shows no record never will."""
    assert registry_due(caught(None, caught_at=NOW + CATCHER_EVERY - CATCHER_SOUGHT + 1), NOW + CATCHER_EVERY)
    assert not registry_due(caught(None, caught_at=NOW + CATCHER_EVERY - CATCHER_SOUGHT), NOW + CATCHER_EVERY)
    entry = caught(None)
    entry.detail.caught_at = None
    assert registry_due_at(entry, NOW) == NOW + IN_ZONE
    entry.detail.caught_at, entry.detail.dropped_at = NOW, None
    assert registry_due_at(entry, NOW) == NOW + IN_ZONE


def seen(expires: float | None, phase: Phase = Phase.ACTIVE, heard: float = 0.0) -> Entry:
    """A name whose record was read so many seconds ago, and that expires in so many days."""
    entry = Entry("name.com", "com", "name")
    entry.detail.registry_at, entry.detail.phase = NOW - heard, phase.value
    entry.detail.expires_epoch = None if expires is None else NOW + expires * DAY
    return entry


@pytest.mark.parametrize(
    ("from_expiry", "interval"),
    [(None, 7.0), (-300.0, 7.0), (-59.0, 7.0), (-0.01, 7.0), (0.0, 3.0), (45.0, 3.0), (45.01, 7.0)],
)
def test_the_record_of_a_delegated_name_is_read_weekly(from_expiry: float | None, interval: float) -> None:
    """The zone guards it; every third day after its expiry, when it may have been renewed."""
    assert record_interval(None if from_expiry is None else from_expiry * DAY) == interval * DAY


def test_in_its_grace_a_name_is_followed_whatever_its_date() -> None:
    """Registries that renew on their own show one that is a year off, others none."""
    assert record_interval(-300 * DAY, expired=True) == record_interval(None, expired=True) == IN_GRACE
    assert registry_due_at(seen(300.0, Phase.EXPIRED_GRACE), NOW) == NOW + IN_GRACE


@pytest.mark.parametrize(
    ("from_expiry", "expired", "interval"),
    [
        (None, False, HELD),
        (None, True, HELD_EXPIRING),
        (-300.0, True, HELD_EXPIRING),
        (-14.1, False, HELD),
        (-14.0, False, HELD_EXPIRING),
        (45.0, False, HELD_EXPIRING),
        (45.1, False, HELD),
    ],
)
def test_a_name_out_of_its_zone_is_followed_closely(from_expiry: float | None, expired: bool, interval: float) -> None:
    """Daily, twice a day around its expiry: the record alone shows the next phase."""
    since = None if from_expiry is None else from_expiry * DAY
    assert record_interval(since, expired=expired, in_zone=False) == interval


@pytest.mark.parametrize("phase", [Phase.UNDELEGATED, Phase.REDEMPTION, Phase.PENDING_DELETE])
def test_a_phase_without_a_delegation_is_one_out_of_the_zone(phase: Phase) -> None:
    """By the last record."""
    assert registry_due_at(seen(200.0, phase), NOW) == NOW + HELD


def test_the_record_is_read_at_expiry_once() -> None:
    """And then at its interval again."""
    entry = seen(2.0)
    assert registry_due_at(entry, NOW) == NOW + 2 * DAY
    assert not registry_due(entry, NOW + 2 * DAY - 1)
    assert registry_due(entry, NOW + 2 * DAY)
    entry.detail.registry_at = NOW + 2 * DAY
    assert registry_due_at(entry, NOW + 2 * DAY) == NOW + 2 * DAY + IN_GRACE
    assert not registry_due(entry, NOW + 2 * DAY)


def test_the_record_of_a_name_that_was_never_heard_of_is_due() -> None:
    """At once."""
    entry = Entry("name.com", "com", "name")

    assert registry_due_at(entry, NOW) == 0.0
    assert registry_due(entry, NOW)


@pytest.mark.parametrize(
    ("outcome", "since", "due"),
    [
        (Outcome.UNREGISTERED, 60.0, True),
        (Outcome.UNREGISTERED, 7200.0, False),  # it was missing when the record was read
        (Outcome.REGISTERED, 60.0, False),
    ],
)
def test_the_record_is_read_again_once_a_name_left_its_zone(outcome: Outcome, since: float, *, due: bool) -> None:
    """An older one tells nothing of why."""
    entry = seen(200.0, heard=3600.0)
    entry.detail.evidence["dns"] = Evidence(Observation("dns", Reading(outcome, "dns_x", "")), NOW, NOW - since)

    assert registry_due(entry, NOW) is due
