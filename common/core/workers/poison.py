"""Poison pills: names whose queries kill the worker that runs them."""

from __future__ import annotations

from common.core.model.entry import Entry

#: So many deaths, no two of them further apart than so many seconds, and a name is run alone.
SUSPICIOUS, SUSPICION_MEMORY = 3, 600.0
#: Seconds for which a name that killed its worker while it ran alone is not checked.
ISOLATED = 3600.0


class PoisonDetector:
    """Finds poisonous names: one that was under way in several deaths is run alone; if its worker dies again, isolated."""

    def __init__(self) -> None:
        self._deaths: dict[str, tuple[int, float]] = {}
        self._isolated: dict[str, Entry] = {}

    def note_death(self, names: list[str], now: float, *, alone: bool) -> list[str]:
        """Note the names under way when a worker died. Returns those to isolate: suspicious ones that were run `alone`."""
        self.forget_old(now)
        for name in names:
            self._deaths[name] = (self._deaths.get(name, (0, now))[0] + 1, now)
        return [name for name in names if alone and self.must_run_alone(name)]

    def forget_old(self, now: float) -> None:
        """Forget deaths of long ago, so that no name waits for ever to be run alone where every worker is busy all the time."""
        if self._deaths:
            self._deaths = {name: item for name, item in self._deaths.items() if now - item[1] < SUSPICION_MEMORY}

    def must_run_alone(self, name: str) -> bool:
        """Whether this name has to be run by a worker that runs nothing else."""
        return self._deaths.get(name, (0, 0.0))[0] >= SUSPICIOUS

    def note_survived(self, name: str) -> None:
        """Clear a name whose query was run to its end."""
        self._deaths.pop(name, None)

    def isolate_name(self, entry: Entry, now: float) -> None:
        """Keep a name from being checked for `ISOLATED` seconds."""
        entry.isolated_until = now + ISOLATED
        self._isolated[entry.name] = entry

    def release_isolated(self, now: float) -> None:
        """Forget names whose isolation is over."""
        self._isolated = {name: entry for name, entry in self._isolated.items() if entry.isolated_until > now}

    def isolated_count(self, now: float) -> int:
        """How many names are isolated."""
        return sum(1 for entry in self._isolated.values() if entry.isolated_until > now)
