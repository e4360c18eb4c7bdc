"""The queries that wait for one operator, and the order in which they leave: by rank, and one of `SHARE` by age."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import NamedTuple

from common.core.model.entry import Rank
from common.core.model.limit import Limit
from common.core.model.query import Query

#: One of so many queries that leave is the one that has waited longest.
SHARE = 4


class Waiting(NamedTuple):
    """A query in a heap: the one that was wanted first comes first, of those the one that was added first."""

    queued: float
    order: int
    query: Query


Heap = list[Waiting]


@dataclass(slots=True)
class OperatorQueue:
    """The queries that wait for one operator: a heap for each rank that is there, those that wait longest first."""

    limit: Limit
    heaps: dict[Rank, Heap] = field(default_factory=dict)
    turn: int = 0  # tokens since the one that went by age
    stalled: int = -1  # `Workers.capacity_changes` when no worker could take a query; -1 where a token was missing

    def __len__(self) -> int:
        return sum(map(len, self.heaps.values()))

    def add_item(self, item: Waiting) -> None:
        """Add a query, or return one to its place."""
        heapq.heappush(self.heaps.setdefault(item.query.rank, []), item)

    def take_first(self, rank: Rank) -> Waiting:
        """Take out the first query of a rank."""
        item = heapq.heappop(self.heaps[rank])
        if not self.heaps[rank]:
            del self.heaps[rank]
        return item

    def all_queries(self) -> list[Query]:
        """All of them, the highest rank first, of each rank those that wait longest."""
        return [item.query for rank in sorted(self.heaps) for item in sorted(self.heaps[rank], key=_by_age)]

    def first_by_rank(self, *, by_age: bool) -> list[Query]:
        """The first query of each rank, the highest rank first; with `by_age` the one that has waited longest first."""
        heads = [self.heaps[rank][0] for rank in sorted(self.heaps)]
        if by_age:
            heads.sort(key=_by_age)
        return [item.query for item in heads]

    def is_plain(self) -> bool:
        """Whether all first queries have one limit, and none confirms an answer: one token is as good for each."""
        heads = [heap[0].query for heap in self.heaps.values()]
        return all(query.limit is heads[0].limit and not query.confirm for query in heads)

    def count_ahead(self, rank: Rank) -> int:
        """How many queries of this rank, or a higher one, wait."""
        return sum(len(heap) for other, heap in self.heaps.items() if other <= rank)

    def count_routine(self, rank: Rank = Rank.BACKGROUND) -> int:
        """How many routine queries of this rank, or a higher one, wait."""
        return sum(len(heap) for other, heap in self.heaps.items() if Rank.FIRST <= other <= rank)


def _by_age(item: Waiting) -> tuple[float, int]:
    """Sorts queries of different heaps by how long they wait."""
    return item.queued, item.order
