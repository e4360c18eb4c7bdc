"""Counters, gauges and timers in bounded memory, and their snapshots as plain maps.

Names are snake case; `_total` of counters and `_seconds` of timers may be left out, `telemetry.prometheus` adds them.
Labels have few values (method, outcome, pool, operator); a domain name is never a label. `MAX_SERIES` bounds what a mistake
there can cost: further series are counted, not kept.

A snapshot: `{"since": epoch seconds, "counters": [[name, labels, value]], "gauges": [[name, labels, value]],
"timers": [[name, labels, {"count", "sum", "min", "max", "buckets": [n per bucket, the last one unbounded]}]],
"series_dropped": n}`. Durations are in seconds.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

#: Upper bounds of the histogram buckets, in seconds; one more bucket takes what is longer.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
#: Most different (name, labels) pairs kept of one process, all kinds together.
MAX_SERIES = 2000
#: Longest label value kept, in characters.
LABEL_LIMIT = 120

Labels = tuple[tuple[str, str], ...]
Key = tuple[str, Labels]


class _Timer:
    """One histogram."""

    __slots__ = ("buckets", "count", "high", "low", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.low = math.inf
        self.high = 0.0
        self.buckets = [0] * (len(BUCKETS) + 1)

    def add_duration(self, seconds: float, n: int = 1) -> None:
        """Add one duration in seconds, or `n` equal ones."""
        self.count += n
        self.total += seconds * n
        self.low = min(self.low, seconds)
        self.high = max(self.high, seconds)
        self.buckets[bisect_left(BUCKETS, seconds)] += n

    def merge_timer(self, other: _Timer) -> None:
        """Add another histogram to this one."""
        self.count += other.count
        self.total += other.total
        self.low = min(self.low, other.low)
        self.high = max(self.high, other.high)
        self.buckets = [mine + theirs for mine, theirs in zip(self.buckets, other.buckets, strict=True)]

    def to_map(self) -> dict[str, Any]:
        """The histogram as a snapshot carries it."""
        low = self.low if self.count else 0.0
        return {"count": self.count, "sum": self.total, "min": low, "max": self.high, "buckets": list(self.buckets)}


class Metrics:
    """The metrics of one process, or of several together. `since` is when counting began, in epoch seconds.

    At most so many `series` are kept.
    """

    def __init__(self, since: float = 0.0, series: int = MAX_SERIES) -> None:
        self.since = since
        self._most = series
        self._counters: dict[Key, float] = {}
        self._gauges: dict[Key, float] = {}
        self._timers: dict[Key, _Timer] = {}
        self._dropped = 0.0

    def count(self, name: str, n: float = 1, **labels: object) -> None:
        """Add `n` to a counter; what is negative or no number is ignored, a counter never falls."""
        if not (math.isfinite(n) and n >= 0):
            return
        key = (name, _label_pairs(labels))
        if key in self._counters or self._has_room():
            self._counters[key] = self._counters.get(key, 0.0) + n

    def observe(self, name: str, seconds: float, **labels: object) -> None:
        """Add one duration in seconds to a timer; negative ones count as zero."""
        self.observe_many(name, seconds, 1, **labels)

    def observe_many(self, name: str, seconds: float, n: int, /, **labels: object) -> None:
        """Add `n` equal durations in seconds to a timer."""
        if not math.isfinite(seconds) or n < 1:
            return
        key = (name, _label_pairs(labels))
        timer = self._timers.get(key)
        if timer is None:
            if not self._has_room():
                return
            timer = self._timers[key] = _Timer()
        timer.add_duration(max(0.0, seconds), n)

    def gauge(self, name: str, value: float, **labels: object) -> None:
        """Set a gauge."""
        key = (name, _label_pairs(labels))
        if math.isfinite(value) and (key in self._gauges or self._has_room()):
            self._gauges[key] = value

    def reset(self, now: float) -> None:
        """Drop all series and begin counting at `now` (epoch seconds); gauges are back with their next value."""
        self.since = now
        self._counters.clear()
        self._gauges.clear()
        self._timers.clear()
        self._dropped = 0.0

    def sum_counter(self, name: str, labels: Iterable[str]) -> Counter[str]:
        """A counter's values, summed by these labels: {"dns registered": 12}."""
        found: Counter[str] = Counter()
        for (each, own), value in self._counters.items():
            if each == name:
                known = dict(own)
                found[" ".join(known.get(label, "") for label in labels)] += int(value)
        return found

    def snapshot(self) -> dict[str, Any]:
        """Everything as a plain map (see the module)."""
        return {
            "since": self.since,
            "counters": [[name, dict(labels), value] for (name, labels), value in self._counters.items()],
            "gauges": [[name, dict(labels), value] for (name, labels), value in self._gauges.items()],
            "timers": [[name, dict(labels), timer.to_map()] for (name, labels), timer in self._timers.items()],
            "series_dropped": self._dropped,
        }

    def merge_snapshot(self, snapshot: Mapping[str, Any]) -> None:
        """Merge a snapshot into these metrics: counters and timers add up, a gauge is replaced. Malformed rows are skipped."""
        since = _valid_number(snapshot.get("since"))
        if since:
            self.since = min(self.since, since) if self.since else since
        self._dropped += _valid_number(snapshot.get("series_dropped"))
        for name, labels, value in _valid_rows(snapshot.get("counters")):
            self.count(name, _valid_number(value), **labels)
        for name, labels, value in _valid_rows(snapshot.get("gauges")):
            self.gauge(name, _valid_number(value), **labels)
        for name, labels, value in _valid_rows(snapshot.get("timers")):
            timer = _parse_timer(value)
            key = (name, _label_pairs(labels))
            if timer is None or not (key in self._timers or self._has_room()):
                continue
            self._timers.setdefault(key, _Timer()).merge_timer(timer)

    def _has_room(self) -> bool:
        if len(self._counters) + len(self._gauges) + len(self._timers) < self._most:
            return True
        self._dropped += 1
        return False


def timer_quantile(timer: Mapping[str, Any], q: float) -> float:
    """The approximate `q` quantile (0..1) of a timer in seconds: linear within its bucket, never outside its extremes."""
    histogram = _parse_timer(timer)
    if histogram is None or not histogram.count:
        return 0.0
    wanted = q * histogram.count
    seen = 0
    for index, n in enumerate(histogram.buckets):
        if n and seen + n >= wanted:
            low = BUCKETS[index - 1] if index else 0.0
            high = BUCKETS[index] if index < len(BUCKETS) else histogram.high
            value = low + (high - low) * (wanted - seen) / n
            return min(max(value, histogram.low), histogram.high)
        seen += n
    return histogram.high


def format_series(name: str, labels: Mapping[str, object]) -> str:
    """A readable name of one series: `checks{method="dns"}`."""
    if not labels:
        return name
    inner = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    return f"{name}{{{inner}}}"


def snapshot_rows(snapshot: Mapping[str, Any], kind: str) -> Iterable[tuple[str, dict[str, str], Any]]:
    """The well-formed rows of one kind ("counters", "gauges", "timers") of a snapshot."""
    return _valid_rows(snapshot.get(kind))


def _label_pairs(labels: Mapping[str, object]) -> Labels:
    return tuple(sorted((key, str(value)[:LABEL_LIMIT]) for key, value in labels.items()))


def _valid_rows(value: object) -> Iterable[tuple[str, dict[str, str], Any]]:
    if not isinstance(value, list | tuple):
        return
    for row in value:
        if not (isinstance(row, list | tuple) and len(row) == 3):
            continue
        name, labels, content = row
        if isinstance(name, str) and isinstance(labels, Mapping):
            yield name, {str(key): str(text) for key, text in labels.items() if str(key) not in _ARGUMENTS}, content


#: Beyond this a count is a mistake; NaN fails every comparison.
_LARGEST = 1e18

#: Parameter names of `count`, `observe` and `gauge`: a label of a received snapshot must not have one of them.
_ARGUMENTS = frozenset({"self", "name", "n", "seconds", "value"})


def _valid_number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_LARGEST < value < _LARGEST:
        return 0.0
    return float(value)


def _parse_timer(value: object) -> _Timer | None:
    if not isinstance(value, Mapping):
        return None
    buckets = value.get("buckets")
    if not isinstance(buckets, list | tuple) or len(buckets) != len(BUCKETS) + 1:
        return None
    timer = _Timer()
    timer.buckets = [max(0, int(_valid_number(n))) for n in buckets]
    timer.count = sum(timer.buckets)
    timer.total = max(0.0, _valid_number(value.get("sum")))
    timer.low = _valid_number(value.get("min")) if timer.count else math.inf
    timer.high = _valid_number(value.get("max"))
    return timer
