"""The names of one sweep: which are still to be asked about, which again and at which other servers, and the answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from common.clients.dns.engine import MOST_TRIES
from common.clients.dns.transport import Endpoint
from common.core.model.evidence import Reading
from common.core.parsers.dns_batch import MOST_QUERIES
from common.core.parsers.dns_fast import OPEN, UNASKED, UNUSUAL

#: In `served`: no server answered about the name.
NO_SERVER = 255
#: How far a server looks ahead among the names to be asked again for one that it was not asked about yet.
_LOOK_AHEAD = 4 * MOST_QUERIES
#: Names sorted by length at a time: enough for full batches, and near each other in memory.
_BLOCK = 8192


@dataclass(frozen=True, slots=True)
class UnusualAnswer:
    """An answer that is not plainly a delegation or NXDOMAIN, read by the careful parser."""

    wire: bytes
    endpoint: Endpoint
    tcp: bool
    reading: Reading


class SweepNames:
    """Per name `codes` has a code of `dns_fast`, `served` the number of the server that answered.

    A plain answer over TCP has the number of the server plus the count of servers. `serials`: SOA serials behind NXDOMAIN.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.codes = bytearray(len(texts))
        self.served = bytearray((NO_SERVER,)) * len(texts)
        self.unusual: dict[int, UnusualAnswer] = {}
        self.serials: set[int] = set()
        self.open = self.unsent = len(texts)
        self._groups: list[list[int]] = []
        self._grouped = 0
        self._retries: dict[int, None] = {}
        self._tried: dict[int, list[int]] = {}
        self._refused: dict[int, list[int]] = {}

    def take_batch(self, server: int, most: int, others: Collection[int]) -> list[int]:
        """Up to `most` names of one length to ask this server about; `others` are the numbers of those that can be asked, too.

        Spread over all of them while names are few. Names that already went unanswered elsewhere come first.
        """
        most = min(most, MOST_QUERIES)
        if self._retries and (found := self._take_retries(server, most, others)):
            return found
        if not self._groups and not self._group_next():
            return []
        most = min(most, -(-self.unsent // max(1, len(others))))
        group = self._groups[-1]
        found = group[-most:]
        del group[-most:]
        if not group:
            self._groups.pop()
        self.unsent -= len(found)
        return found

    def _group_next(self) -> bool:
        """Group the next names by length; whether there were any."""
        first, last = self._grouped, min(len(self.texts), self._grouped + _BLOCK)
        groups: dict[int, list[int]] = defaultdict(list)
        for index in range(first, last):
            groups[len(self.texts[index])].append(index)
        self._groups = list(groups.values())
        self._grouped = last
        return first < last

    def return_unsent(self, indexes: Sequence[int]) -> None:
        """Give back names that were taken and not sent."""
        if indexes:
            self._groups.append(list(indexes))
            self.unsent += len(indexes)

    def return_split(self, indexes: Sequence[int]) -> None:
        """Give back names that do not fit one batch: they are handed out one by one."""
        self._groups += [[index] for index in indexes]
        self.unsent += len(indexes)

    def retry_elsewhere(self, index: int, server: int) -> None:
        """Have another server asked about a name that this one did not settle; after MOST_TRIES it stays open."""
        tried = self._tried.setdefault(index, [])
        tried.append(server)
        if len(tried) < MOST_TRIES:
            self._retries[index] = None
        else:
            self.open -= 1

    def retry_after_refusal(self, index: int, server: int) -> None:
        """Have another server asked, and this one, which refused, never again about the name."""
        self._refused.setdefault(index, []).append(server)
        self.retry_elsewhere(index, server)

    def mark_unasked(self) -> None:
        """Give up all names that wait, for the first time or again: UNASKED, unless a server said something about them."""
        for index in chain(*self._groups, range(self._grouped, len(self.texts)), self._retries):
            if self.codes[index] == OPEN:
                self.codes[index] = UNASKED

    def settle(self, index: int, served: int, code: int) -> None:
        """Note a plain delegation or NXDOMAIN."""
        self.codes[index] = code
        self.served[index] = served
        self.open -= 1

    def keep_unusual(self, index: int, server: int, answer: UnusualAnswer) -> None:
        """Keep the answer in case no better one comes."""
        self.codes[index] = UNUSUAL
        self.served[index] = server
        self.unusual[index] = answer

    def _take_retries(self, server: int, most: int, others: Collection[int]) -> list[int]:
        found: list[int] = []
        for index in self._refused_everywhere(server, others):
            del self._retries[index]
            self.open -= 1
        for index in islice(self._retries, _LOOK_AHEAD):
            tried = self._tried[index]
            fresh = server not in tried or (server not in self._refused.get(index, ()) and all(map(tried.__contains__, others)))
            if fresh and (not found or len(self.texts[index]) == len(self.texts[found[0]])):
                found.append(index)
                if len(found) == most:
                    break
        for index in found:
            del self._retries[index]
        return found

    def _refused_everywhere(self, server: int, others: Collection[int]) -> list[int]:
        """Names to be asked again that every server has refused: those answers are final."""
        if not self._refused or not others:
            return []
        return [
            index
            for index in islice(self._retries, _LOOK_AHEAD)
            if server in (refused := self._refused.get(index, ())) and all(map(refused.__contains__, others))
        ]
