"""Stated confidence against what became of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from common.core.audit.calibration import STANDS, Calibration, Fate, settle_claims, smooth_rate
from common.core.audit.ledger import LedgerEntry
from common.core.model.evidence import Fields, Observation, Outcome, Phase, Reading
from common.core.model.records import Evidence
from common.core.model.states import State
from common.core.model.verdict import Situation, Verdict
from common.core.verdict import gates

NOW = 1_790_000_000.0
NEEDS = gates.Requirements(gap=30.0, dns_counts=True, second_channel=True)


def iso(at: float) -> str:
    """As registries write it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def free(at: float) -> dict[str, Evidence]:
    """RDAP and WHOIS know no object."""
    said = {"rdap": "rdap_404_json", "whois": "whois_free"}
    readings = {method: Reading(Outcome.UNREGISTERED, finding, "not found") for method, finding in said.items()}
    return {method: Evidence(Observation(method, reading), at, at) for method, reading in readings.items()}


def taken(at: float, created: str | None) -> dict[str, Evidence]:
    """RDAP has a record again."""
    reading = Reading(Outcome.REGISTERED, "rdap_200_match", "found", Phase.ACTIVE, Fields(created_at=created))
    return {"rdap": Evidence(Observation("rdap", reading), at, at)}


def entry(
    at: float, before: State, after: State, evidence: dict[str, Evidence], confidence: float = 0.9, suffix: str = "com"
) -> LedgerEntry:
    """One judgement; only what counts here is filled in."""
    kind = "pass" if before is after else "decision"
    verdict = Verdict(after, confidence, 0.9, 1.0, "")
    return LedgerEntry("a.com", suffix, at, kind, before, verdict, "1-0", 1, evidence, Situation(0.0, 1.0), NEEDS)


def claimed(at: float = NOW, confidence: float = 0.9) -> LedgerEntry:
    """A positive pass."""
    return entry(at, State.PENDING_DELETE, State.PENDING_DELETE, free(at), confidence)


def alarm(at: float = NOW, confidence: float = 0.996) -> LedgerEntry:
    """The name is called available."""
    return entry(at, State.PENDING_DELETE, State.AVAILABLE, free(at), confidence)


def registered(at: float, created: str | None, before: State = State.AVAILABLE) -> LedgerEntry:
    """There is a record."""
    return entry(at, before, State.REGISTERED, taken(at, created), 0.0)


def fates(*history: LedgerEntry, now: float = NOW + 600) -> list[Fate]:
    """What became of each claim."""
    return [fate for _, fate in settle_claims(history, now)]


def test_a_record_younger_than_the_claim_confirms_it() -> None:
    """The name was registered meanwhile; passes and alarm were right alike."""
    history = [claimed(), alarm(NOW + 30), registered(NOW + 90, iso(NOW + 60))]

    assert fates(*history) == [Fate.CONFIRMED, Fate.CONFIRMED]


@pytest.mark.parametrize("before", [State.AVAILABLE, State.PENDING_DELETE])
def test_a_record_that_was_there_all_along_contradicts_it(before: State) -> None:
    """Whether it got as far as an alarm or not."""
    history = [claimed(), *([alarm(NOW + 30)] if before is State.AVAILABLE else [])]
    history.append(registered(NOW + 90, iso(NOW - 1e8), before))

    assert set(fates(*history)) == {Fate.CONTRADICTED}


@pytest.mark.parametrize(
    ("created", "fate"),
    [
        (None, Fate.UNKNOWABLE),
        (iso(NOW)[:10], Fate.CONFIRMED),  # only the day is known, and it is that day
        (iso(NOW - 86_400)[:10], Fate.CONTRADICTED),
        (iso(NOW - 30), Fate.CONFIRMED),  # clocks differ
        ("garbage", Fate.UNKNOWABLE),
    ],
)
def test_a_date_counts_as_far_as_it_goes(created: str | None, fate: Fate) -> None:
    """A registry that tells no date, or only a day, settles what it can."""
    assert fates(claimed(), registered(NOW + 90, created)) == [fate]


def test_an_alarm_that_stands_for_a_day_confirms_what_led_to_it() -> None:
    """Before that it is open; what happens later changes nothing any more."""
    history = [claimed(), alarm(NOW + 30)]
    late = registered(NOW + 40 + STANDS, iso(NOW - 1e8))

    assert fates(*history, now=NOW + STANDS) == [Fate.OPEN, Fate.OPEN]
    assert fates(*history, now=NOW + 30 + STANDS) == [Fate.CONFIRMED, Fate.CONFIRMED]
    assert fates(*history, late, now=NOW + 2 * STANDS) == [Fate.CONFIRMED, Fate.CONFIRMED]
    assert fates(claimed(), now=NOW + 9 * STANDS) == [Fate.OPEN]


@pytest.mark.parametrize("state", [State.RESERVED, State.DROPPING, State.NOT_REGISTRABLE])
def test_a_name_that_was_not_registrable_contradicts(state: State) -> None:
    """Confidence is about registering, not about the registry's database alone."""
    assert fates(claimed(), entry(NOW + 60, State.PENDING_DELETE, state, {})) == [Fate.CONTRADICTED]


def test_what_follows_the_alarm_is_no_new_claim() -> None:
    """A name that stays free is looked at again and again: that is one drop."""
    history = [alarm(), *(entry(NOW + n, State.AVAILABLE, State.AVAILABLE, free(NOW + n)) for n in range(1, 9))]

    assert fates(*history, now=NOW + 2 * STANDS) == [Fate.CONFIRMED]


def test_the_second_life_of_a_name_is_counted_apart() -> None:
    """Caught, dropped again, then wrongly called available: one right, one wrong."""
    history = [
        alarm(),
        registered(NOW + 90, iso(NOW + 60)),
        alarm(NOW + 5000),
        registered(NOW + 5090, iso(NOW + 60)),
    ]

    assert fates(*history) == [Fate.CONFIRMED, Fate.CONTRADICTED]


def test_the_table_and_the_error() -> None:
    """Ten claims of 0.9 of which nine were right are calibrated; ten of 0.996 of which five were right are not."""
    calibration = Calibration()
    for number in range(20):
        right = number % 10 != 0 if number < 10 else number % 2 == 0
        stated = claimed(confidence=0.9) if number < 10 else claimed(confidence=0.996)
        calibration.add_history([stated, registered(NOW + 90, iso(NOW + 60 if right else NOW - 1e8))], NOW + 100)
    calibration.add_history([claimed()], NOW + 100)
    report = calibration.report()

    assert (report["names"], report["claims"], report["confirmed"], report["contradicted"], report["undecided"]) == (
        21, 20, 14, 6, 1,
    )  # fmt: skip
    first, second = report["bins"]  # type: ignore[misc]  # a list, as the report is plain data
    assert (first["low"], first["claims"], first["stated"], first["found"]) == (0.9, 10, 0.9, 0.9)
    assert first["smoothed"] == smooth_rate(9, 1) == round(9.5 / 11, 4)
    assert (second["low"], second["stated"], second["found"]) == (0.995, 0.996, 0.5)
    assert report["expected_calibration_error"] == pytest.approx((10 * 0.0 + 10 * 0.496) / 20)
    assert report["sources"] == [
        {"method": method, "suffix": "com", "confirmed": 14, "contradicted": 6, "smoothed": smooth_rate(14, 6)}
        for method in ("rdap", "whois")
    ]


@pytest.mark.parametrize("confidence", [0.0, 0.5, 0.995, 1.0])
def test_every_confidence_has_its_bin(confidence: float) -> None:
    """The edges belong to the bin above, 1 to the last."""
    calibration = Calibration()
    calibration.add_history([claimed(confidence=confidence), registered(NOW + 90, iso(NOW + 60))], NOW + 100)

    (row,) = calibration.report()["bins"]  # type: ignore[misc]  # as above
    assert row["low"] <= confidence <= row["high"]
    assert calibration.claims == 1


def test_nothing_recorded_has_no_error() -> None:
    """Rather than a perfect score."""
    assert Calibration().calibration_error() is None
    assert smooth_rate(0, 0) == 0.5
