"""Suffixes whose zone answers for every name, registered or not: there DNS proves nothing."""

from __future__ import annotations

from collections.abc import Iterable

from common.core.builtin.suffix_rules import rules_for

#: Seconds after which a suffix is measured again, and after which where nothing came of it.
MEASURE_EVERY, MEASURE_AGAIN = 86_400.0, 60.0
#: Longest that a first check waits for the measurement, in seconds.
FIRST_WAIT = 5.0


class Wildcards:
    """What a random label under each suffix was answered with. Times in epoch seconds."""

    def __init__(self) -> None:
        self._measured: dict[str, bool] = {}
        self._asked_at: dict[str, float] = {}

    def is_wildcard(self, suffix: str) -> bool:
        """Whether DNS answers for names that do not exist: as measured, else as known beforehand."""
        return self._measured.get(suffix, rules_for(suffix).wildcard_known)

    def was_measured_wildcard(self, suffix: str) -> bool:
        """Whether the last measurement found that a zone answers for everything."""
        return self._measured.get(suffix, False)

    def note_measured(self, suffix: str, *, wildcard: bool) -> None:
        """Take over a measurement."""
        self._measured[suffix] = wildcard

    def start_measuring(self, suffix: str, now: float) -> bool:
        """Whether a random label has to be asked about now; notes that it is."""
        asked = self._asked_at.get(suffix)
        if asked is not None and now - asked <= MEASURE_EVERY:
            return False
        self._asked_at[suffix] = now
        return True

    def note_no_answer(self, suffix: str, now: float) -> None:
        """Measure a suffix again soon, if nothing is known of it yet."""
        if suffix not in self._measured:
            self._asked_at[suffix] = now - MEASURE_EVERY + MEASURE_AGAIN

    def is_awaited(self, suffix: str, now: float) -> bool:
        """Whether a first check had better wait for the measurement under way."""
        return suffix not in self._measured and now - self._asked_at.get(suffix, now) < FIRST_WAIT

    def to_text(self) -> str:
        """The wildcard suffixes, as `restore` reads them back."""
        return ",".join(sorted(suffix for suffix, wildcard in self._measured.items() if wildcard))

    def restore_text(self, suffixes: Iterable[str]) -> None:
        """Take over what `saved` wrote."""
        self._measured.update(dict.fromkeys(suffixes, True))
