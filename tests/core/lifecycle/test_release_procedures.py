"""Release procedures: the registry's word ends one, the calendar bridges its silence, and every hold has an end."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite

import pytest
from common.core.verdict.assess import assess

from common.core.builtin.release_procedures import PROCEDURES, procedure_for
from common.core.builtin.suffix_rules import rules_for
from common.core.builtin.tlds import PRIVATE_SUFFIXES
from common.core.lifecycle.forecast import DAY, HOUR, Release, release_procedure
from common.core.model.entry import Entry
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.records import Evidence
from tests.sim.world import START, World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation


def at(text: str) -> float:
    """Epoch seconds of "2026-03-01 18:00" in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


PURGED = at("2026-03-01 12:00")


def procedure(
    suffix: str,
    now: float,
    *,
    seen: float | None = PURGED - HOUR,
    purged: float | None = PURGED,
    denied_by: tuple[str, ...] = (),
) -> Release | None:
    """The procedure of a name under a suffix that was seen registered an hour before it was found purged."""
    return release_procedure(suffix, registered_seen=seen, purged_at=purged, denied_by=denied_by, now=now)


@pytest.mark.parametrize(
    ("suffix", "kind", "hold"),
    [
        ("io", "dropzone", 36 * HOUR),
        ("academy", "dropzone", 36 * HOUR),
        ("cz", "auction", 17 * DAY),
        ("ee", "auction", 2 * DAY),
        ("com.br", "liberation", 42 * DAY),
        ("com.tr", "reallocation", 90 * DAY),
        ("ca", "tbr", 2 * HOUR),
        ("dk", "waiting_list", DAY),
    ],
)
def test_a_purged_name_is_held_for_the_length_of_the_procedure_and_not_longer(suffix: str, kind: str, hold: float) -> None:
    """Counted from the purge, while the registry says nothing about it."""
    held = procedure(suffix, PURGED)

    assert held == Release(kind, PURGED + hold)  # type: ignore[arg-type]  # a kind of the table
    assert procedure(suffix, PURGED + hold - 1) == held
    assert procedure(suffix, PURGED + hold) is None


@pytest.mark.parametrize("suffix", sorted(PROCEDURES))
def test_every_suffix_with_a_procedure_has_a_finite_path_from_purge_to_free(suffix: str) -> None:
    """Whenever the name was seen last, whether or not the purge was seen, and on every hour of the day: the hold ends."""
    for hour in range(24):
        gone = PURGED + hour * HOUR
        for seen, purged in (
            (gone - 1, gone),
            (gone - 900 * DAY, gone),
            (gone, None),
            (gone, gone - DAY),  # found registered again, the purge not forgotten
            (0.0, None),
        ):
            held = procedure(suffix, seen if purged is None else purged, seen=seen, purged=purged)
            if held is not None:
                assert isfinite(held.until)
                assert procedure(suffix, held.until, seen=seen, purged=purged) is None
            assert procedure(suffix, gone + 91 * DAY, seen=seen, purged=purged) is None


def test_a_name_that_never_existed_is_in_no_procedure() -> None:
    """It was never purged, so no procedure follows."""
    assert procedure("com.br", PURGED, seen=None) is None
    assert procedure("io", PURGED, seen=None) is None
    assert procedure("nz", PURGED, seen=None, purged=None) is None


def test_most_suffixes_have_no_procedure() -> None:
    """First come, first served; a suffix under which another registry sells names follows no procedure of its parent."""
    assert procedure("com", PURGED) is None
    assert procedure("co.uk", PURGED) is None
    assert [suffix for suffix in PRIVATE_SUFFIXES if procedure_for(suffix) is not None] == []


def test_an_estonian_name_without_a_bid_is_free_the_moment_whois_denies_it() -> None:
    """The registry shows an auction in WHOIS as long as it lasts: the denial is its end."""
    assert procedure("ee", PURGED, denied_by=("whois",)) is None


def test_an_estonian_name_is_held_two_days_at_most_where_whois_is_silent() -> None:
    """RDAP and DNS do not show auctions, so that their denial ends none."""
    assert procedure("ee", PURGED + DAY, denied_by=("rdap", "dns")) is not None
    assert procedure("ee", PURGED + 2 * DAY, denied_by=("rdap", "dns")) is None


def test_a_brazilian_name_is_free_once_whois_denies_it_and_after_a_round_where_whois_is_silent() -> None:
    """WHOIS says `release process: waiting` as long as a name waits."""
    assert procedure("com.br", PURGED + 41 * DAY, denied_by=("rdap",)) is not None
    assert procedure("com.br", PURGED + 42 * DAY, denied_by=("rdap",)) is None
    assert procedure("com.br", PURGED + DAY, denied_by=("rdap", "whois")) is None


def test_a_denial_ends_no_procedure_that_the_registry_does_not_show() -> None:
    """Dropzone, Czech auctions and Turkish lists stay silent in every channel that we can read."""
    for suffix in ("io", "cz", "com.tr", "ca", "dk"):
        assert procedure(suffix, PURGED + HOUR, denied_by=("rdap", "whois", "das", "dns")) is not None


def test_a_purge_that_was_not_seen_counts_from_when_the_name_was_last_seen_registered() -> None:
    """No later moment is known at which the hold could have begun."""
    assert procedure("cz", PURGED, seen=PURGED - 16 * DAY, purged=None) == Release("auction", PURGED + DAY)
    assert procedure("cz", PURGED, seen=PURGED - 18 * DAY, purged=None) is None


@pytest.mark.parametrize(
    ("seen", "purged", "until"),
    [
        ("2026-03-01 01:58", "2026-03-01 01:59", "2026-03-01 03:00"),  # just before the session: this one
        ("2026-03-01 01:59", "2026-03-01 02:01", "2026-03-01 03:00"),  # gone inside it: its end
        ("2026-03-01 02:01", "2026-03-01 02:30", "2026-03-01 03:00"),
        ("2026-03-01 01:59", "2026-03-01 02:59", "2026-03-01 03:00"),
        ("2026-03-01 02:30", "2026-03-01 03:01", "2026-03-02 03:00"),  # it may be for the next session
        ("2026-03-01 12:00", "2026-03-01 14:00", "2026-03-02 03:00"),
        ("2026-03-01 02:00", None, "2026-03-01 03:00"),
        ("2026-03-01 02:01", None, "2026-03-02 03:00"),
    ],
)
def test_a_new_zealand_name_is_held_until_the_end_of_its_session(seen: str, purged: str | None, until: str) -> None:
    """Registrars only from 02:00 to 03:00 UTC every day, the public from then on."""
    times = {"seen": at(seen), "purged": at(purged) if purged else None}

    assert procedure("co.nz", at(until) - 1, **times) == Release("tbr", at(until))
    assert procedure("co.nz", at(until), **times) is None


def test_a_new_zealand_name_whose_session_is_over_is_free_at_once() -> None:
    """Seen registered before the session and found purged after it: any name left is open to the public."""
    assert procedure("nz", at("2026-03-01 03:01"), seen=at("2026-03-01 01:59"), purged=at("2026-03-01 03:01")) is None
    assert procedure("nz", at("2026-03-09 12:00"), seen=at("2026-03-01 12:00"), purged=at("2026-03-09 11:00")) is None


@pytest.mark.parametrize(("denied", "release"), [(START - 30, None), (START - 90, "auction"), (None, "auction")])
def test_only_a_denial_since_the_name_was_last_seen_registered_ends_its_procedure(
    denied: float | None, release: str | None
) -> None:
    """What WHOIS said before the name was registered is about another life of it."""
    entry = Entry("gone.ee", "ee", "gone")
    entry.detail.registered_seen, entry.detail.purged_at = START - 60, START - 40
    if denied is not None:
        free = Observation("whois", Reading(Outcome.UNREGISTERED, "whois_free", "no such name"), server="whois.tld.ee")
        entry.detail.evidence["whois"] = Evidence(free, denied, denied)

    assert assess(World().core.rooms, entry, START).situation.release == release


def test_the_rules_of_a_suffix_name_its_procedure() -> None:
    """One table: what holds a name back is what the rules show."""
    for suffix, row in PROCEDURES.items():
        assert (rules_for(suffix).release, rules_for(suffix).dropzone) == (row.kind, row.kind == "dropzone")


def test_every_procedure_is_finite_and_says_where_it_comes_from() -> None:
    """A hold without an end would keep a name from ever being announced."""
    for suffix, row in PROCEDURES.items():
        assert 0 < row.hold <= 90 * DAY, suffix
        assert row.session is None or 0 <= row.session[0] < row.session[1] <= 1440, suffix


@pytest.mark.parametrize(("purged", "free"), [(1, 90.5), (61, 90.5), (120, 120)])
def test_a_suspended_name_of_tr_is_free_a_quarter_of_a_year_after_its_expiry_whenever_its_record_went(
    purged: float, free: float
) -> None:
    """Sixty days of suspension and thirty on the list count from the expiry date, which the record told."""
    expires = PURGED

    def held(day: float) -> bool:
        times = {"registered_seen": expires, "purged_at": expires + purged * DAY, "now": expires + day * DAY}
        return release_procedure("com.tr", **times, denied_by=("whois",), expires=expires) is not None  # type: ignore[arg-type]

    assert held(free - 0.1) is (free > purged)
    assert not held(free)


def test_a_name_of_tr_that_was_deleted_before_it_expired_waits_from_its_purge() -> None:
    """Its expiry date lies ahead and says nothing about the list."""
    found = release_procedure(
        "com.tr", registered_seen=PURGED, purged_at=PURGED, denied_by=(), now=PURGED + DAY, expires=PURGED + 300 * DAY
    )

    assert found == Release("reallocation", PURGED + 90 * DAY)
