"""The layout of a watch list that is divided into shards: which of them each name belongs to.

Registries count queries by the back end that answers, so all top-level domains of one back end lie in one shard, which then
owns the whole budget. Only those that are too large for one shard are spread over all of them by a hash of the name.

A layout is made once, from what is built in, and stored with the state: neither a newer list of RDAP servers nor a newer
Public Suffix List moves a name. For that reason it goes by the top-level domain, whatever the registry's suffix is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from zlib import crc32

from msgspec import Struct, field


class Layout(Struct, frozen=True):
    """`shards` parts; `spread`: top-level domains that lie in all of them; `groups`: the back end of each other suffix.

    A top-level domain without a group is one by itself. A suffix with a registry of its own (uk.com) may have one, too.
    """

    shards: int = 1
    spread: tuple[str, ...] = ()
    groups: dict[str, str] = field(default_factory=dict)

    def shard_of(self, name: str) -> int:
        """The shard of a name (A-label, lower case), from 0."""
        if self.shards == 1:
            return 0
        zone, top = name.partition(".")[2], name.rpartition(".")[2]
        if (group := self.groups.get(zone)) is not None:
            return self._place(group)
        return self._place(name if top in self.spread else self.groups.get(top, top))

    def shards_of(self, suffixes: Iterable[str]) -> frozenset[int]:
        """The shards in which names under any of these suffixes lie."""
        if self.shards == 1:
            return frozenset({0})
        zones = {suffix if suffix in self.groups else suffix.rpartition(".")[2] for suffix in suffixes}
        if not zones.isdisjoint(self.spread):
            return frozenset(range(self.shards))
        return frozenset(self._place(self.groups.get(zone, zone)) for zone in zones)

    def shards_under(self, suffix: str) -> frozenset[int]:
        """The shards in which names that end with a suffix may lie, however many labels stand before it."""
        below = [zone for zone in self.groups if zone.endswith(f".{suffix}")]
        return self.shards_of([suffix, suffix.rpartition(".")[2], *below])

    def _place(self, text: str) -> int:
        return crc32(text.encode()) % self.shards


#: Of a watch list that is not divided.
ONE_SHARD = Layout()


def build_layout(shards: int, spread: Iterable[str], groups: Mapping[str, str]) -> Layout:
    """A layout for a store that is made now; `groups`: the back end of each suffix, as far as it is known."""
    if shards == 1:
        return Layout()
    kept, counts = tuple(sorted(set(spread))), Counter(groups.values())
    return Layout(
        shards, kept, {zone: group for zone, group in groups.items() if ("." in zone or counts[group] > 1) and zone not in kept}
    )
