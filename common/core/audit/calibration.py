"""Calibrate the stated confidence: compare the claims in the ledger with what later entries of the same name show.

A claim is a conclusion with a fresh positive answer of the registry, from the first pass to the alarm: "this name can be
registered now, with so much confidence". Later entries of the same name settle it:

- a record that is younger than the claim confirms it (the name was registered afterwards), an older one contradicts it;
- an alarm that stood for a day without being retracted confirms the claims that led to it;
- a reservation, a release procedure or a refusal contradicts it: the name could not be registered.

Claims that none of this settles are left out and counted. The claims of one drop depend on each other, so the figures are only
as good as the number of drops.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import pairwise

from msgspec import Struct

from common.core.audit.ledger import LedgerEntry
from common.core.model.evidence import Outcome
from common.core.model.methods import RECORD_METHODS, is_registry
from common.core.model.records import newest_evidence
from common.core.model.states import ANNOUNCED, State
from common.core.parsers.dates import iso_to_epoch

#: Seconds an alarm must stand to count as right.
STANDS = 86_400.0
#: How much older than the claim a record may seem, in seconds: clocks differ, and some registries tell only the day.
SKEW, DAY = 60.0, 86_400.0
#: Edges of the confidence bins: fine where alarms are decided.
EDGES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0)
#: The prior of a rate, Beta(0.5, 0.5) (Jeffreys): one claim does not make 100 %.
PRIOR = 0.5

_NOT_FREE = frozenset({State.RESERVED, State.NOT_REGISTRABLE, State.DROPPING})


class Fate(StrEnum):
    """What became of a claim."""

    CONFIRMED = "confirmed"
    CONTRADICTED = "contradicted"
    UNKNOWABLE = "unknowable"  # registered again, at an unknown time
    OPEN = "open"


class Claim(Struct, frozen=True):
    """One stated confidence. `sources` are the (method, suffix) of its positive answers; `at` in epoch seconds."""

    at: float
    confidence: float
    sources: tuple[tuple[str, str], ...]


class Bin(Struct):
    """Claims with a confidence from `low` to below `high` (the last bin includes 1)."""

    low: float
    high: float
    confirmed: int = 0
    contradicted: int = 0
    stated: float = 0.0  # sum of the confidences

    @property
    def claims(self) -> int:
        """How many were settled."""
        return self.confirmed + self.contradicted

    def to_map(self) -> dict[str, float | int]:
        """The bin as a plain map: mean confidence, and the share confirmed, both as found and with the prior."""
        return {
            "low": self.low,
            "high": self.high,
            "claims": self.claims,
            "confirmed": self.confirmed,
            "contradicted": self.contradicted,
            "stated": round(self.stated / self.claims, 4) if self.claims else 0.0,
            "found": round(self.confirmed / self.claims, 4) if self.claims else 0.0,
            "smoothed": smooth_rate(self.confirmed, self.contradicted),
        }


class Calibration:
    """Sums over the settled claims of all histories added."""

    def __init__(self) -> None:
        self.names = self.undecided = 0
        self.bins = [Bin(low, high) for low, high in pairwise(EDGES)]
        self.sources: dict[tuple[str, str], list[int]] = {}

    def add_history(self, history: Sequence[LedgerEntry], now: float) -> None:
        """Settle the claims about one name; `history` oldest first, `now` in epoch seconds."""
        self.names += 1
        for claim, fate in settle_claims(history, now):
            if fate in (Fate.UNKNOWABLE, Fate.OPEN):
                self.undecided += 1
                continue
            right = fate is Fate.CONFIRMED
            into = next(each for each in reversed(self.bins) if claim.confidence >= each.low)
            into.stated += claim.confidence
            into.confirmed += right
            into.contradicted += not right
            for source in claim.sources:
                self.sources.setdefault(source, [0, 0])[0 if right else 1] += 1

    @property
    def claims(self) -> int:
        """How many claims were settled."""
        return sum(each.claims for each in self.bins)

    def calibration_error(self) -> float | None:
        """The expected calibration error: mean distance of stated from found per bin, weighted by claims. None without any."""
        if not self.claims:
            return None
        return round(sum(abs(each.stated - each.confirmed) for each in self.bins) / self.claims, 4)

    def report(self) -> dict[str, object]:
        """Everything, as plain data."""
        confirmed = sum(each.confirmed for each in self.bins)
        return {
            "names": self.names,
            "claims": self.claims,
            "confirmed": confirmed,
            "contradicted": self.claims - confirmed,
            "undecided": self.undecided,
            "expected_calibration_error": self.calibration_error(),
            "bins": [each.to_map() for each in self.bins if each.claims],
            "sources": [
                {
                    "method": method,
                    "suffix": suffix,
                    "confirmed": right,
                    "contradicted": wrong,
                    "smoothed": smooth_rate(right, wrong),
                }
                for (method, suffix), (right, wrong) in sorted(self.sources.items())
            ],
        }


def smooth_rate(confirmed: int, contradicted: int) -> float:
    """The share of confirmed claims under the prior, 0..1."""
    return round((confirmed + PRIOR) / (confirmed + contradicted + 2 * PRIOR), 4)


def settle_claims(history: Iterable[LedgerEntry], now: float) -> Iterator[tuple[Claim, Fate]]:
    """Each claim in the history of one name (oldest entry first) with its fate."""
    waiting: list[Claim] = []
    alarm: float | None = None  # when the name was called available
    for entry in history:
        if alarm is not None and entry.at - alarm >= STANDS:
            yield from ((claim, Fate.CONFIRMED) for claim in waiting)
            waiting, alarm = [], None
        fates = [_fate_by_entry(claim, entry) for claim in waiting]
        if any(fate is not Fate.OPEN for fate in fates):
            yield from zip(waiting, fates, strict=True)
            waiting, alarm = [], None
        claim = _claim_of_entry(entry)
        if claim is not None:
            waiting.append(claim)
        if entry.verdict.state is State.AVAILABLE and entry.before is not State.AVAILABLE:
            alarm = entry.at
    stood = alarm is not None and now - alarm >= STANDS
    yield from ((claim, Fate.CONFIRMED if stood else Fate.OPEN) for claim in waiting)


def _claim_of_entry(entry: LedgerEntry) -> Claim | None:
    """The claim of an entry up to the alarm; what is repeated after it is no new claim."""
    found = entry.positive_methods
    if entry.before in ANNOUNCED or entry.verdict.state in _NOT_FREE or not any(map(is_registry, found)):
        return None
    return Claim(entry.at, entry.verdict.confidence, tuple((method, entry.suffix) for method in found))


def _fate_by_entry(claim: Claim, entry: LedgerEntry) -> Fate:
    """The fate of an earlier claim by a later entry."""
    owned = newest_evidence(entry.evidence, Outcome.REGISTERED)
    if owned is not None and owned.at > claim.at:
        created = _created_at_latest(entry, claim.at)
        if created is None:
            return Fate.UNKNOWABLE
        return Fate.CONFIRMED if created >= claim.at - SKEW else Fate.CONTRADICTED
    refused = entry.verdict.state in _NOT_FREE and entry.before is not entry.verdict.state
    return Fate.CONTRADICTED if refused else Fate.OPEN


def _created_at_latest(entry: LedgerEntry, after: float) -> float | None:
    """When the name was registered again, at the latest, in epoch seconds; None where the registry does not say."""
    record = newest_evidence(entry.evidence, Outcome.REGISTERED, methods=RECORD_METHODS)
    text = record.observation.reading.fields.created_at if record is not None and record.at > after else None
    at = iso_to_epoch(text) if text else None
    return at + DAY if at is not None and text is not None and len(text) == len("2027-01-31") else at
