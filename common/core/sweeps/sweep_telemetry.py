"""Counts and logs the results of sweeps, and notes whether any name server answers."""

from __future__ import annotations

import numpy as np

from common.core.model.batch import Batch
from common.core.model.evidence import Outcome
from common.core.model.ids import Times
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN, OPEN, UNASKED, UNUSUAL
from common.core.sweeps.sweep_reading import TIMED_OUT, Codes
from common.core.telemetry.error_kinds import TIMEOUT, kind_of
from common.core.telemetry.metrics import BUCKETS
from common.core.telemetry.telemetry import Telemetry
from common.messages import SweepResult

_OUTCOMES = {DELEGATED: Outcome.REGISTERED, NXDOMAIN: Outcome.UNREGISTERED, OPEN: Outcome.UNKNOWN}


def note_reach(telemetry: Telemetry, batch: Batch, message: SweepResult, now: float) -> None:
    """Note whether any name server answered conclusively in this sweep."""
    reach = telemetry.reach
    reach.note_worker_answer("fast", now)
    conclusive = {DELEGATED, NXDOMAIN} & set(message.codes) if message.trouble is None else set()
    details = (item.reading.outcome for item in message.observations.values())
    if conclusive or any(outcome not in (Outcome.UNKNOWN, Outcome.THROTTLED) for outcome in details):
        reach.note_answer("dns", (Outcome.REGISTERED, ""), ("", batch.suffix), now)
    else:
        trouble = message.trouble.reading.finding if message.trouble is not None else TIMED_OUT.finding
        reach.note_answer("dns", (Outcome.UNKNOWN, trouble), ("", batch.suffix), now, len(batch.ids))


def measure_lateness(telemetry: Telemetry, lateness: Times, lane: str) -> None:
    """Measure how late each name of a sweep leaves, in seconds; all but the least and the most as the means of their buckets.

    After a while switched off every name is late by a time of its own.
    """
    late = np.sort(np.maximum(lateness, 0.0))
    middle = late[1:-1]
    for piece in (late[:1], *np.split(middle, np.searchsorted(middle, BUCKETS, side="right")), late[1:][-1:]):
        if len(piece):
            seconds = min(float(piece.mean()), float(piece[-1]))  # a mean of equal numbers may be rounded into the next bucket
            telemetry.metrics.observe_many("lateness_seconds", seconds, len(piece), lane=lane)


def measure_sweep(telemetry: Telemetry, message: SweepResult, codes: Codes) -> None:
    """Count the answers of a sweep by outcome, and its errors by kind."""
    metrics = telemetry.metrics
    for code, count in zip(*np.unique(codes[codes != UNASKED], return_counts=True), strict=True):
        outcome = _OUTCOMES.get(int(code), Outcome.UNKNOWN)
        metrics.count("checks", int(count), method="dns", outcome=outcome.value)
        if outcome is Outcome.UNKNOWN and int(code) == OPEN:
            kind = TIMEOUT if message.trouble is None else kind_of(message.trouble)
            metrics.count("check_errors", int(count), method="dns", kind=kind or TIMEOUT)
    for observation in message.observations.values():
        if (kind := kind_of(observation)) is not None:
            metrics.count("check_errors", method="dns", kind=kind)
    metrics.observe("sweep_seconds", message.duration_ms / 1000)


def log_sweep(telemetry: Telemetry, batch: Batch, message: SweepResult, now: float) -> None:
    """Log a sweep; at debug level, or as a warning where its zone is in trouble."""
    fields = {
        "suffix": batch.suffix,
        "names": len(batch.ids),
        "delegated": message.codes.count(DELEGATED),
        "missing": message.codes.count(NXDOMAIN),
        "open": message.codes.count(OPEN),
        "odd": message.codes.count(UNUSUAL),
        "unasked": message.codes.count(UNASKED),
        "refused": message.refused,
        "ms": round(message.duration_ms, 1),
        "attempt": message.attempt,
        "reason": message.trouble.reading.reason if message.trouble is not None else "",
    }
    if message.trouble is None:
        telemetry.write_log("debug", "sweep_done", **fields)
    else:
        telemetry.write_limited("warning", "sweep_done", batch.suffix, now, **fields)
