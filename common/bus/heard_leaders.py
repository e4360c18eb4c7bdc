"""Which of several coordinators leads, as a worker hears it: each that leads says so every 2 s, with the epoch of its lease.

Pure: times come in as arguments, in seconds of any clock that only goes forward.
"""

from __future__ import annotations

from typing import NamedTuple

#: Seconds without a pulse after which a coordinator counts as gone; one is sent every 2 s.
SILENT = 6.0
#: Seconds of silence after which the highest epoch is forgotten: a store that begins anew counts from 1.
FORGET = 60.0


class Heard(NamedTuple):
    """A coordinator that leads: its place among those that may, and its epoch."""

    place: int
    epoch: int


class HeardLeaders:
    """Remembers the pulses. Only the highest epoch ever heard counts: an earlier leader that hung may still send some."""

    def __init__(self) -> None:
        self._heard: dict[int, tuple[int, float]] = {}
        self._highest, self._highest_at = 0, 0.0
        self._leader: Heard | None = None

    def note_pulse(self, place: int, epoch: int, now: float) -> None:
        """Note a pulse of the coordinator at this place."""
        self._heard[place] = (epoch, now)
        if epoch >= self._highest or now - self._highest_at > FORGET:
            self._highest, self._highest_at = epoch, now

    def find_leader(self, now: float) -> Heard | None:
        """The one that leads; None where none is heard. Of two places with one epoch the one that was found before stays."""
        there = [Heard(place, epoch) for place, (epoch, at) in sorted(self._heard.items()) if now - at <= SILENT]
        leading = [heard for heard in there if heard.epoch == self._highest]
        if self._leader not in leading:
            self._leader = leading[0] if leading else None
        return self._leader
