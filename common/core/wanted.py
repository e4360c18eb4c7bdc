"""Visits that are about to begin: each name once, those that matter first, a bounded number at a time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from common.core.evidence import Observation


@dataclass(frozen=True, slots=True)
class Wanted:
    """A visit to begin. `due`: when it was planned, 0 if it was not; `observation`: the DNS answer of a sweep to go on from.

    Times in epoch seconds.
    """

    row: int
    due: float = 0.0
    observation: Observation | None = None
    seen_at: float = 0.0  # when the observation came
    manual: bool = False
    urgent: bool = False


class Wants:
    """Who waits for its visit, and who waits for the store to say what it holds."""

    def __init__(self) -> None:
        self.urgent: deque[Wanted] = deque()
        self.ordinary: deque[Wanted] = deque()
        self.fetching: dict[int, Wanted] = {}

    def __len__(self) -> int:
        return len(self.urgent) + len(self.ordinary) + len(self.fetching)

    def put(self, wanted: Wanted) -> None:
        """Add one; a name is in here only once."""
        (self.urgent if wanted.urgent else self.ordinary).append(wanted)

    def next(self, *, ordinary: bool) -> Wanted | None:
        """The next one to begin; of the ordinary ones only where `ordinary` says so."""
        if self.urgent:
            return self.urgent.popleft()
        return self.ordinary.popleft() if ordinary and self.ordinary else None
