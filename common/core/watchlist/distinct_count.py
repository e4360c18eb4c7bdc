"""Count how many different names a list has of which only a part is kept."""

from __future__ import annotations

from hashlib import blake2b

#: Most digests kept: up to so many names the count is exact, above it is off by less than one percent, as a rule.
MOST_KEPT = 1 << 16
#: Bytes of a digest.
_DIGEST = 8


class DistinctCounter:
    """Counts names, each once, in little memory (adaptive sampling: P. Flajolet, Computing 43, 1990).

    Only names whose digests end with a number of zero bits are kept; one more bit wherever there are too many.
    """

    def __init__(self, most_kept: int = MOST_KEPT) -> None:
        self._most_kept = most_kept
        self._kept: set[int] = set()
        self._bits = 0

    def add_name(self, name: str) -> None:
        """Count a name, unless it was counted before."""
        digest = int.from_bytes(blake2b(name.encode(), digest_size=_DIGEST).digest())
        if digest & ((1 << self._bits) - 1):
            return
        self._kept.add(digest)
        while len(self._kept) > self._most_kept:
            self._bits += 1
            mask = (1 << self._bits) - 1
            self._kept = {kept for kept in self._kept if not kept & mask}

    def count_names(self) -> int:
        """How many different names were added."""
        return len(self._kept) << self._bits
