"""The names of one sweep: which are still to be asked, which again and where not, and what came out."""

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

#: No server answered about a name, in `served`.
NOBODY = 255
#: How far a server looks ahead among the names to be asked again for one that it was not asked about yet.
_LOOK_AHEAD = 4 * MOST_QUERIES
#: Names sorted by length at a time: enough for full batches, and near each other in memory.
_BLOCK = 8192


@dataclass(frozen=True, slots=True)
class Odd:
    """An answer that is not plainly a delegation or NXDOMAIN, read by the careful parser."""

    wire: bytes
    endpoint: Endpoint
    tcp: bool
    reading: Reading


class Names:
    """`codes` and `served` hold, per name, a code of `dns_fast` and the number of the server that answered.

    Who answered plainly over TCP has its number behind those of all servers. `serials` are the SOA serials behind NXDOMAIN.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.codes = bytearray(len(texts))
        self.served = bytearray((NOBODY,)) * len(texts)
        self.odd: dict[int, Odd] = {}
        self.serials: set[int] = set()
        self.open = self.unsent = len(texts)
        self._groups: list[list[int]] = []
        self._grouped = 0
        self._again: dict[int, None] = {}
        self._tried: dict[int, list[int]] = {}
        self._refused: dict[int, list[int]] = {}

    def take(self, server: int, most: int, others: Collection[int]) -> list[int]:
        """Up to `most` names of one length to ask this server about; `others` are the numbers of those that can be asked, too.

        Spread over all of them while names are few. Names that already went unanswered elsewhere come first.
        """
        most = min(most, MOST_QUERIES)
        if self._again and (found := self._take_again(server, most, others)):
            return found
        if not self._groups and not self._group():
            return []
        most = min(most, -(-self.unsent // max(1, len(others))))
        group = self._groups[-1]
        found = group[-most:]
        del group[-most:]
        if not group:
            self._groups.pop()
        self.unsent -= len(found)
        return found

    def _group(self) -> bool:
        """Sort the next names by length; whether there were any."""
        first, last = self._grouped, min(len(self.texts), self._grouped + _BLOCK)
        groups: dict[int, list[int]] = defaultdict(list)
        for index in range(first, last):
            groups[len(self.texts[index])].append(index)
        self._groups = list(groups.values())
        self._grouped = last
        return first < last

    def put_back(self, indexes: Sequence[int]) -> None:
        """These were taken, and not sent."""
        if indexes:
            self._groups.append(list(indexes))
            self.unsent += len(indexes)

    def split(self, indexes: Sequence[int]) -> None:
        """These were taken, and cannot be asked about together: hand them out one by one."""
        self._groups += [[index] for index in indexes]
        self.unsent += len(indexes)

    def again(self, index: int, server: int) -> None:
        """The name was not settled by this server: ask another one, or leave it open after several."""
        tried = self._tried.setdefault(index, [])
        tried.append(server)
        if len(tried) < MOST_TRIES:
            self._again[index] = None
        else:
            self.open -= 1

    def refused(self, index: int, server: int) -> None:
        """Do not ask this server about the name again: it refuses to answer. Others may be asked."""
        self._refused.setdefault(index, []).append(server)
        self.again(index, server)

    def leave_unasked(self) -> None:
        """Whatever waits to be asked about, for the first time or again, will not be; what a server said of it stays."""
        for index in chain(*self._groups, range(self._grouped, len(self.texts)), self._again):
            if self.codes[index] == OPEN:
                self.codes[index] = UNASKED

    def settle(self, index: int, served: int, code: int) -> None:
        """Note one of the two plain answers."""
        self.codes[index] = code
        self.served[index] = served
        self.open -= 1

    def note_odd(self, index: int, server: int, odd: Odd) -> None:
        """Keep the answer in case no better one comes."""
        self.codes[index] = UNUSUAL
        self.served[index] = server
        self.odd[index] = odd

    def _take_again(self, server: int, most: int, others: Collection[int]) -> list[int]:
        found: list[int] = []
        for index in self._hopeless(server, others):
            del self._again[index]
            self.open -= 1
        for index in islice(self._again, _LOOK_AHEAD):
            tried = self._tried[index]
            fresh = server not in tried or (server not in self._refused.get(index, ()) and all(map(tried.__contains__, others)))
            if fresh and (not found or len(self.texts[index]) == len(self.texts[found[0]])):
                found.append(index)
                if len(found) == most:
                    break
        for index in found:
            del self._again[index]
        return found

    def _hopeless(self, server: int, others: Collection[int]) -> list[int]:
        """Names to be asked again that every server has refused: what they said is what we know."""
        if not self._refused or not others:
            return []
        return [
            index
            for index in islice(self._again, _LOOK_AHEAD)
            if server in (refused := self._refused.get(index, ())) and all(map(refused.__contains__, others))
        ]
