"""Arithmetic of the figures: quantiles, the busy part of a trace, what a histogram says. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from common.core.telemetry.metrics import snapshot_rows, timer_quantile

#: A trace is busy where it rises at least this share of its steepest rise.
BUSY = 0.1


def of_values(values: Sequence[float], share: float) -> float:
    """The quantile `share` of some values, the nearest rank; NaN of none."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]


def busy_part(trace: Sequence[tuple[float, float]], earliest: float, latest: float) -> tuple[float, float]:
    """When work began and ended, of samples (time, CPU seconds used until then), between two times that bound it."""
    part = [(at, used) for at, used in trace if earliest <= at <= latest]
    steps = [(before, at, (used - was) / (at - before)) for (before, was), (at, used) in pairwise(part) if at > before]
    steepest = max((rise for *_, rise in steps), default=0.0)
    busy = [(before, at) for before, at, rise in steps if steepest and rise >= BUSY * steepest]
    return (busy[0][0], busy[-1][1]) if busy else (earliest, latest)


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Median, least, most of what is a number; NaN thrice where nothing is."""
    known = [value for value in values if not math.isnan(value)]
    return (statistics.median(known), min(known), max(known)) if known else (math.nan, math.nan, math.nan)


def total(snapshot: Mapping[str, Any], name: str, **labels: str) -> float:
    """The sum of all series of a counter that carry these labels."""
    found = (
        value for series, own, value in snapshot_rows(snapshot, "counters") if series == name and labels.items() <= own.items()
    )
    return float(sum(found))


def gauge(snapshot: Mapping[str, Any], name: str) -> float:
    """The largest series of a gauge; NaN where there is none."""
    return max((float(value) for series, _, value in snapshot_rows(snapshot, "gauges") if series == name), default=math.nan)


def timer(snapshot: Mapping[str, Any], name: str, share: float, **labels: str) -> float:
    """A quantile of a timer as far as its buckets tell; NaN where it was never used."""
    for series, own, value in snapshot_rows(snapshot, "timers"):
        if series == name and labels.items() <= own.items() and value["count"]:
            return float(timer_quantile(value, share))
    return math.nan
