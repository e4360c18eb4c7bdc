"""What sweeps show about the load on name servers: answers that are lost, cut short, or later than usual.

A name server that has enough of us often says nothing: it answers less, or answers "truncated" (response rate limiting of BIND,
NSD and Knot). Loss and delay of the way there look the same, so each (operator, egress) is compared with what is usual
there. What stays after the pace was halved does not come from the pace, and counts as usual from then on.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

#: Fewest queries of a sweep that show a share.
LEAST_ASKED = 50
#: A share of lost answers is a sign above this multiple of the usual one, and this far above it.
LOSS_FACTOR, LOSS_MORE = 2.0, 0.05
#: The same for the delay, in milliseconds.
DELAY_FACTOR, DELAY_MORE = 2.0, 50.0
#: Sweeps in a row that have to show it: one may meet a moment of trouble anywhere on the way.
IN_A_ROW = 2
#: Weight of a sweep in what is usual: where it is worse than that, and where it is better.
WORSE, BETTER = 1 / 8, 1 / 2


class Load(NamedTuple):
    """What one sweep met: queries sent, answers that never came, answers cut short, and the median delay in milliseconds.

    `delay` is None where no answer was timed.
    """

    asked: int
    lost: int
    truncated: int = 0
    delay: float | None = None


class Usual(Struct):
    """What is usual of one operator from one egress, None before the first sweep; `signs` counts sweeps in a row with one."""

    loss: float | None = None
    delay: float | None = None
    signs: int = 0

    def note_load(self, load: Load) -> tuple[bool, str]:
        """Learn from a sweep: whether it was as usual, and the sign in one sentence where it is one, else "".

        The first sweep out of line is neither: it may be chance.
        """
        if load.asked < LEAST_ASKED:
            return True, ""
        loss = min(1.0, (load.lost + load.truncated) / load.asked)
        sign = self._find_sign(loss, load.delay)
        if not sign:
            self.signs = 0
            self.loss, self.delay = _blend(self.loss, loss), _blend(self.delay, load.delay)
            return True, ""
        self.signs += 1
        if self.signs < IN_A_ROW:
            return False, ""
        self.loss, self.delay, self.signs = loss, load.delay if load.delay is not None else self.delay, 0
        return False, sign

    def _find_sign(self, loss: float, delay: float | None) -> str:
        """What rose well above the usual, in one sentence; "" where nothing did."""
        if self.loss is not None and loss > max(LOSS_FACTOR * self.loss, self.loss + LOSS_MORE):
            return f"{loss:.0%} of the answers are lost or cut short, {self.loss:.0%} is usual"
        if self.delay is not None and delay is not None and delay > max(DELAY_FACTOR * self.delay, self.delay + DELAY_MORE):
            return f"answers take {delay:.0f} ms, {self.delay:.0f} ms is usual"
        return ""


def _blend(usual: float | None, seen: float | None) -> float | None:
    if usual is None or seen is None:
        return usual if seen is None else seen
    return usual + (WORSE if seen > usual else BETTER) * (seen - usual)
