"""Wildcard suffixes: their zone answers for every name, registered or not, so DNS proves nothing there (RFC 4592)."""

from __future__ import annotations

from common.core.builtin.suffix_rules import rules_for

#: Seconds after which a suffix is measured again: after a measurement, and after one without an answer.
MEASURE_EVERY, MEASURE_AGAIN = 86_400.0, 60.0
#: Longest wait of a first check for the measurement of its suffix, in seconds.
FIRST_WAIT = 5.0


class Wildcards:
    """Which suffixes are wildcards, measured by a query for a random label under each. Times in epoch seconds."""

    def __init__(self) -> None:
        self._measured: dict[str, bool] = {}
        self._asked_at: dict[str, float] = {}

    def is_wildcard(self, suffix: str) -> bool:
        """Whether the zone answers for names that do not exist: as measured, else as known beforehand."""
        measured = self._measured.get(suffix)
        return rules_for(suffix).wildcard_known if measured is None else measured

    def was_measured_wildcard(self, suffix: str) -> bool:
        """Whether the last measurement found a wildcard."""
        return self._measured.get(suffix, False)

    def note_measured(self, suffix: str, *, wildcard: bool) -> None:
        """Note the result of a measurement."""
        self._measured[suffix] = wildcard

    def start_measuring(self, suffix: str, now: float) -> bool:
        """Whether a random label has to be queried now; if so, that counts as done."""
        asked = self._asked_at.get(suffix)
        if asked is not None and now - asked <= MEASURE_EVERY:
            return False
        self._asked_at[suffix] = now
        return True

    def note_no_answer(self, suffix: str, now: float) -> None:
        """Note that a measurement had no answer: it is repeated soon, unless an earlier one had."""
        if suffix not in self._measured:
            self._asked_at[suffix] = now - MEASURE_EVERY + MEASURE_AGAIN

    def is_awaited(self, suffix: str, now: float) -> bool:
        """Whether a first check has to wait for the measurement that is under way."""
        return suffix not in self._measured and now - self._asked_at.get(suffix, now) < FIRST_WAIT

    def to_text(self) -> str:
        """The suffixes measured as wildcards, joined by commas, to be stored."""
        return ",".join(sorted(suffix for suffix, wildcard in self._measured.items() if wildcard))

    def restore_text(self, text: str) -> None:
        """Take over the wildcard suffixes that `to_text` wrote before a restart."""
        self._measured.update(dict.fromkeys(filter(None, text.split(",")), True))
