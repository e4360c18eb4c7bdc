"""How old the registry's record of a name may be before it is asked for again."""

from __future__ import annotations

import pytest

from common.core.lifecycle.registry_due import CATCHER_EVERY, CATCHER_SOUGHT, DAY, registry_due, registry_due_at
from common.core.model.entry import Entry
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.records import Evidence

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
        (caught(NOW - 59), DAY),
        (caught(NOW, "whois"), DAY),
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
    assert registry_due_at(entry, NOW) == NOW + DAY
    entry.detail.caught_at, entry.detail.dropped_at = NOW, None
    assert registry_due_at(entry, NOW) == NOW + DAY
