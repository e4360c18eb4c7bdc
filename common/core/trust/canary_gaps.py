"""Suffixes without a working canary: alarms wait there in vain, so no drop would ever be told.

A denial counts only once its server found a known name again after it. Where no such name is known, or the server finds none of
them (they may not be registered any more), the gate would stay closed for ever without a word; what waits for longer than
PATIENCE is shown and warned about.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from common.core.model.channel import ChannelKey

#: Seconds that a positive may wait for its canaries before its suffix is shown, and between two warnings about one suffix.
PATIENCE, WARN_EVERY = 300.0, 3600.0
#: Most waiting names remembered, over all servers.
LIMIT = 5000


class SuffixWithoutCanary(Struct, frozen=True):
    """One suffix: the names that wait, since when the first of them does (epoch seconds), and for which servers."""

    suffix: str
    names: int
    since: float
    keys: tuple[ChannelKey, ...]


class SuffixesWithoutCanary:
    """Since when each name waits for each server."""

    def __init__(self) -> None:
        self._since: dict[ChannelKey, dict[str, float]] = {}
        self._of: dict[str, tuple[ChannelKey, ...]] = {}
        self._warned: dict[str, float] = {}

    def set_waiting(self, name: str, keys: Iterable[ChannelKey], now: float) -> None:
        """Note at the end of a check that the alarm about a name waits for these servers, and for no others."""
        wanted = tuple(keys)
        for key in self._of.pop(name, ()):
            if key not in wanted:
                self._drop_waiting(key, name)
        if wanted and len(self._of) < LIMIT:
            self._of[name] = wanted
            for key in wanted:
                self._since.setdefault(key, {}).setdefault(name, now)

    def note_proven(self, key: ChannelKey) -> None:
        """Note that a server passed its canaries: no name waits for it any more."""
        for name in self._since.pop(key, {}):
            left = tuple(other for other in self._of.get(name, ()) if other != key)
            if left:
                self._of[name] = left
            else:
                self._of.pop(name, None)

    def find_open(self, now: float) -> list[SuffixWithoutCanary]:
        """The suffixes with names that have waited for longer than PATIENCE, the longest first."""
        found: dict[str, tuple[set[str], list[ChannelKey], float]] = {}
        for key, names in self._since.items():
            late = {name: since for name, since in names.items() if now - since > PATIENCE}
            if late:
                waiting, keys, first = found.get(key.suffix, (set(), [], now))
                found[key.suffix] = (waiting | set(late), [*keys, key], min(first, *late.values()))
        gaps = [
            SuffixWithoutCanary(suffix, len(names), since, tuple(sorted(keys)))
            for suffix, (names, keys, since) in found.items()
        ]
        return sorted(gaps, key=lambda gap: (gap.since, gap.suffix))

    def take_warnings(self, now: float) -> list[SuffixWithoutCanary]:
        """The open suffixes that were not warned about within the hour; they count as warned about from now on."""
        gaps = [gap for gap in self.find_open(now) if now - self._warned.get(gap.suffix, -WARN_EVERY) >= WARN_EVERY]
        if gaps:
            self._warned = {suffix: at for suffix, at in self._warned.items() if now - at < WARN_EVERY}
            self._warned.update((gap.suffix, now) for gap in gaps)
        return gaps

    def _drop_waiting(self, key: ChannelKey, name: str) -> None:
        names = self._since.get(key, {})
        names.pop(name, None)
        if not names:
            self._since.pop(key, None)
