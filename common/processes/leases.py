"""When has a lease run out? For its holder earlier than for those that watch it, and each by a clock of its own.

Instances never compare the time of day: a holder counts from the moment before it began a renewal, and one that watches counts
for how long it has not seen a new one. So the holder stops first, whatever their clocks show.
"""

from __future__ import annotations

#: Seconds that a lease lasts after a renewal, and seconds between two renewals.
TTL, RENEW_EVERY = 6.0, 1.5
#: Seconds for which a holder counts a lease as run out before others do.
MARGIN = 1.5
#: Seconds of silence of a work loop after which its lease is no longer renewed: one that hangs must lose it. While it takes
#: over the stored state, in steps that take longer with each name, only a hang of the whole start counts.
LOOP_SILENT, START_SILENT = 2.5, 60.0


def valid_until(began: float) -> float:
    """Until when the holder may rely on a lease whose renewal it began at `began`, both in seconds of a steady clock."""
    return began + TTL - MARGIN


class RenewalWatch:
    """Since when a lease has not been renewed, as seen by one that looks at it now and then. Times are of a steady clock."""

    def __init__(self) -> None:
        self._seen: object = None
        self._since = 0.0

    def note(self, record: object, began: float, ended: float) -> bool:
        """Note what was read between two times, None where nothing could be; whether the lease has run out.

        `record` differs after each renewal. The time counts from the end of the look that saw it first to the beginning of this
        one: a pause of the one that looks makes no lease older.
        """
        if record != self._seen:
            self._seen, self._since = record, ended
        return began - self._since >= TTL
