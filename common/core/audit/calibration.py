"""How far the confidence we state can be believed: what the ledger said, against what became of it.

A claim is a judgement with a fresh positive answer of the registry, from the first pass to the alarm: "this name can be
registered now, with so much confidence". Later entries of the same name settle it:

- a record that is younger than the claim confirms it (somebody did register the name), an older one contradicts it;
- an alarm that stood for a day without being taken back confirms what led to it;
- a reservation, a release procedure or a refusal contradicts it: nobody could register the name.

What none of this settles is left out and counted. The claims of one drop depend on each other, so the numbers are as good as
the drops are many.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import pairwise

from msgspec import Struct

from common.core.audit.ledger import LedgerEntry
from common.core.model.evidence import Outcome
from common.core.parsers.dates import iso_to_epoch
from common.core.verdict import gates
from common.core.verdict.likelihoods import REGISTRY_METHODS
from common.core.verdict.verdicts import ANNOUNCED, State, newest

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
    UNKNOWABLE = "unknowable"  # registered again, nobody says since when
    OPEN = "open"


class Claim(Struct, frozen=True):
    """One statement of ours. `sources` are the (method, suffix) of its positive answers; `at` in epoch seconds."""

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

    def row(self) -> dict[str, float | int]:
        """As shown: mean confidence, and the rate confirmed, both as found and with the prior."""
        return {
            "low": self.low,
            "high": self.high,
            "claims": self.claims,
            "confirmed": self.confirmed,
            "contradicted": self.contradicted,
            "stated": round(self.stated / self.claims, 4) if self.claims else 0.0,
            "found": round(self.confirmed / self.claims, 4) if self.claims else 0.0,
            "smoothed": smoothed(self.confirmed, self.contradicted),
        }


class Calibration:
    """Takes the histories of names one after the other; holds nothing but sums."""

    def __init__(self) -> None:
        self.names = self.undecided = 0
        self.bins = [Bin(low, high) for low, high in pairwise(EDGES)]
        self.sources: dict[tuple[str, str], list[int]] = {}

    def take(self, history: Sequence[LedgerEntry], now: float) -> None:
        """Settle the claims about one name; `history` oldest first, `now` in epoch seconds."""
        self.names += 1
        for claim, fate in settled(history, now):
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

    def error(self) -> float | None:
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
            "expected_calibration_error": self.error(),
            "bins": [each.row() for each in self.bins if each.claims],
            "sources": [
                {
                    "method": method,
                    "suffix": suffix,
                    "confirmed": right,
                    "contradicted": wrong,
                    "smoothed": smoothed(right, wrong),
                }
                for (method, suffix), (right, wrong) in sorted(self.sources.items())
            ],
        }


def smoothed(confirmed: int, contradicted: int) -> float:
    """The share confirmed under the prior."""
    return round((confirmed + PRIOR) / (confirmed + contradicted + 2 * PRIOR), 4)


def settled(history: Iterable[LedgerEntry], now: float) -> Iterator[tuple[Claim, Fate]]:
    """Each claim about one name, and what became of it."""
    waiting: list[Claim] = []
    alarm: float | None = None  # when the name was called available
    for entry in history:
        if alarm is not None and entry.at - alarm >= STANDS:
            yield from ((claim, Fate.CONFIRMED) for claim in waiting)
            waiting, alarm = [], None
        fates = [_fate(claim, entry) for claim in waiting]
        if any(fate is not Fate.OPEN for fate in fates):
            yield from zip(waiting, fates, strict=True)
            waiting, alarm = [], None
        claim = _claim(entry)
        if claim is not None:
            waiting.append(claim)
        if entry.verdict.state is State.AVAILABLE and entry.before is not State.AVAILABLE:
            alarm = entry.at
    stood = alarm is not None and now - alarm >= STANDS
    yield from ((claim, Fate.CONFIRMED if stood else Fate.OPEN) for claim in waiting)


def _claim(entry: LedgerEntry) -> Claim | None:
    """What an entry states, up to the alarm; what is repeated after it is no new statement."""
    found = entry.positive
    if entry.before in ANNOUNCED or entry.verdict.state in _NOT_FREE or not any(map(gates.is_registry, found)):
        return None
    return Claim(entry.at, entry.verdict.confidence, tuple((method, entry.suffix) for method in found))


def _fate(claim: Claim, entry: LedgerEntry) -> Fate:
    """What an entry says about an earlier claim."""
    owned = newest(entry.evidence, Outcome.REGISTERED)
    if owned is not None and owned.at > claim.at:
        created = _created(entry, claim.at)
        if created is None:
            return Fate.UNKNOWABLE
        return Fate.CONFIRMED if created >= claim.at - SKEW else Fate.CONTRADICTED
    refused = entry.verdict.state in _NOT_FREE and entry.before is not entry.verdict.state
    return Fate.CONTRADICTED if refused else Fate.OPEN


def _created(entry: LedgerEntry, after: float) -> float | None:
    """When the registration that the registry showed later was made, at the latest; None where that is not known."""
    record = newest(entry.evidence, Outcome.REGISTERED, methods=REGISTRY_METHODS)
    text = record.observation.reading.fields.created_at if record is not None and record.at > after else None
    at = iso_to_epoch(text) if text else None
    return at + DAY if at is not None and text is not None and len(text) == len("2027-01-31") else at
