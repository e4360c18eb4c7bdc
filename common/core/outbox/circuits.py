"""The circuits of the lanes of callbacks (notices, results) to one endpoint.

How results fare delays no notice: neither the failures that open a circuit nor a Retry-After. One probe is under way at a time,
of all lanes together: an endpoint that is down is not probed by each of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.core.model.records import LANES, NOTICE, RESULT
from common.core.outbox.circuit import Circuit

#: Bounds of a Retry-After, in seconds; the upper one by lane. It only ever lengthens a wait: of results by as much as an
#: endpoint may reasonably wish, of a notice by no more than it takes to find out that the endpoint is back.
SHORTEST_ASKED, LONGEST_ASKED = 1.0, {NOTICE: 300.0, RESULT: 3600.0}


def bound_retry_after(lane: str, retry_after: float | None) -> float | None:
    """A Retry-After within the bounds of a lane, in seconds; None where there was none."""
    return None if retry_after is None else max(SHORTEST_ASKED, min(retry_after, LONGEST_ASKED[lane]))


class Circuits:
    """The circuit of each lane; `probing` counts the probes under way."""

    def __init__(self) -> None:
        self._circuits = {lane: Circuit(LONGEST_ASKED[lane]) for lane in LANES}
        self.probing = 0
        self._written = ""  # what `take_changed` gave last

    def __getitem__(self, lane: str) -> Circuit:
        return self._circuits[lane]

    def find_probe_lanes(self, now: float, room: Mapping[str, int]) -> list[str]:
        """The lanes that may send a probe now, the one that was due first ahead; none while a probe is under way."""
        if self.probing:
            return []
        lanes = [lane for lane in LANES if self[lane].is_open and self[lane].allowed_attempts(now, room[lane]) > 0]
        return sorted(lanes, key=lambda lane: self[lane].probe_at or 0.0)

    def open_lanes(self) -> str:
        """The lanes whose circuit is open, as `restore_open` reads them back."""
        return ",".join(lane for lane in LANES if self[lane].is_open)

    def take_changed(self) -> str | None:
        """The open lanes for `restore_open`, if they changed since the last call."""
        text = self.open_lanes()
        if text == self._written:
            return None
        self._written = text
        return text

    def restore_open(self, text: str, now: float) -> None:
        """Take over what `take_changed` gave before a restart; anything else is ignored."""
        self._written = text
        for lane in text.split(","):
            if lane in self._circuits:
                self[lane].reopen_circuit(now)

    def show_lanes(self, waiting: Mapping[str, int]) -> dict[str, Any]:
        """The circuits for the status, by lane; beside them that of notices, or of results where only theirs is open."""
        shown = self[RESULT] if self[RESULT].is_open and not self[NOTICE].is_open else self[NOTICE]
        return {
            "circuit_open_until": shown.probe_at,
            "failures_in_a_row": shown.failures,
            "lanes": {
                lane: {
                    "pending": waiting[lane],
                    "circuit_open_until": circuit.probe_at,
                    "failures_in_a_row": circuit.failures,
                }
                for lane, circuit in self._circuits.items()
            },
        }
