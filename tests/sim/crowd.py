"""A crowd under the built-in budgets: tens of thousands of names, thirty of them found in redemption at one registry.

`python -m tests.sim.crowd --names 50000 --hours 6` prints one line about how long names were not seen; progress goes to stderr.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np

from common.core.coordinator.inputs import Input, Tick
from common.core.domains.domain_table import Flag
from common.core.model.evidence import Phase
from common.core.registries.directory import Directory
from tests.sim.truth import Name
from tests.sim.world import World

#: Suffixes of the crowd, with the addresses that serve each.
WIDTHS = {"com": 13, "org": 6, "de": 6, "uk": 8, "se": 9}
_RDAP = {
    "com": "rdap.verisign.com",
    "org": "rdap.publicinterestregistry.org",
    "de": "rdap.denic.de",
    "uk": "rdap.nominet.uk",
}
_WHOIS = {
    "com": "whois.verisign-grs.com",
    "org": "whois.publicinterestregistry.org",
    "de": "whois.denic.de",
    "uk": "whois.nic.uk",
    "se": "whois.iis.se",
}
#: Names of .de that are found in redemption: since when is not known, so each may drop within a month.
REDEEMED = 30


class Crowd(World):
    """So many names of five suffixes, watched from the start, with the registries' own servers and the built-in budgets."""

    def __init__(self, names: int, *, seed: int = 1, interval: float = 3600.0, redeemed: int = REDEEMED) -> None:
        self.ticks = 0
        super().__init__(seed, interval=interval, limits={})
        rooms = self.core.rooms
        canaries = {suffix: (f"known.{suffix}",) for suffix in WIDTHS}
        rooms.canaries.known_names._own = canaries
        self._directory = Directory(own={suffix: (f"https://{host}/",) for suffix, host in _RDAP.items()}, own_whois=_WHOIS)
        rooms.registries.replace_directory(self._directory)
        for suffix, width in WIDTHS.items():
            rooms.registries.note_address_count(suffix, width)
        self.names.update({known: Name() for (known,) in canaries.values()})
        self.tamper = lambda swept: msgspec.structs.replace(swept, width=WIDTHS[swept.server])
        gone = [f"gone{number}.de" for number in range(redeemed)]
        self.names.update({name: Name([(0.0, Phase.REDEMPTION)]) for name in gone})
        suffixes = list(WIDTHS)
        self.watch(*gone, *[f"n{number}.{suffixes[number % len(suffixes)]}" for number in range(names - redeemed)])

    def event(self, event: Input) -> None:
        """Give the core an event; ticks are counted."""
        self.ticks += isinstance(event, Tick)
        super().event(event)


@dataclass(frozen=True)
class Seen:
    """How a run went: the longest time in seconds for which a name was not seen, and how many were not seen for too long."""

    longest: float
    late: int
    line: str  # for people


def unseen(crowd: Crowd, begun: float) -> np.ndarray:
    """Seconds since each watched name was seen last; one that was never seen waits since the crowd came."""
    table = crowd.core.rooms.domains.table
    rows = np.flatnonzero(table.flags[: len(table)] & Flag.WATCHED)
    return crowd.now - np.maximum(table.checked_at[rows], begun)


def run(crowd: Crowd, hours: float, tell: Callable[[str], None] = lambda _: None) -> Seen:
    """Let the hours pass and look each minute for how long names were not seen; `tell` hears of it three times an hour."""
    begun, clock = crowd.now, time.perf_counter()
    longest, late = 0.0, np.zeros(len(crowd.core.rooms.domains.table), np.bool_)
    limit = 2 * crowd.policy.cadence.interval
    for minute in range(1, int(hours * 60) + 1):
        crowd.run(60.0)
        ages = unseen(crowd, begun)
        longest = max(longest, float(ages.max()))
        late |= ages > limit
        if minute % 20 == 0:
            queue = crowd.core._status.build_status(crowd.now)["queue"]
            counts = ", ".join(f"{name} {count}" for name, count in queue.items())
            tell(f"{minute / 60:.2f} h in {time.perf_counter() - clock:.0f} s: longest {ages.max():.0f} s; {counts}")
    behind = int(np.count_nonzero(late))
    line = (
        f"{len(ages)} names, {hours:g} h: longest unseen {longest:.0f} s, for more than {limit:.0f} s {behind}; "
        f"{len(crowd.asked)} answers, {crowd.ticks} ticks"
    )
    return Seen(longest, behind, line)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", type=int, default=50_000)
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    crowd = Crowd(given.names, seed=given.seed)
    print(run(crowd, given.hours, lambda line: print(line, file=sys.stderr, flush=True)).line)


if __name__ == "__main__":
    main()
