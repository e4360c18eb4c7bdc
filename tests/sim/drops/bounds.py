"""The bounds that the product has to reach, each as one line: held or not, with both numbers."""

from __future__ import annotations

from typing import NamedTuple

from tests.sim.drops.figures import Figures, say_seconds

#: How many times sooner than the fixed interval and than the expiry rules a drop is told: at the median, and at 99 of 100.
FASTER_THAN_FIXED, FASTER_THAN_EXPIRY, FASTER_AT_LAST = 50.0, 20.0, 10.0
#: Part of the drops that live a minute which is told, and registry questions a calm name and day.
TOLD, CALM = 0.95, 0.2


class Bound(NamedTuple):
    """One bound: its short name, whether it is held, and what was measured."""

    name: str
    held: bool
    text: str

    def __str__(self) -> str:
        return f"{'held' if self.held else 'NOT HELD':<9} {self.name:<22} {self.text}"


def check_bounds(product: Figures, fixed: Figures, expiry: Figures) -> list[Bound]:
    """Every bound, for the product against both plain loops over the same run."""
    return [
        _faster("median, fixed interval", product.told[0], fixed.told[0], FASTER_THAN_FIXED),
        _faster("median, expiry rules", product.told[0], expiry.told[0], FASTER_THAN_EXPIRY),
        _faster("p99, fixed interval", product.told[2], fixed.told[2], FASTER_AT_LAST),
        _faster("p99, expiry rules", product.told[2], expiry.told[2], FASTER_AT_LAST),
        Bound("drops of a minute", product.minute >= TOLD, f"{product.minute:.1%} told, at least {TOLD:.0%}"),
        Bound("drops of a day", product.seen_step >= 1.0, f"{product.seen_step:.1%} seen, all of them"),
        Bound("false alarms", not product.false_alarms, f"{product.false_alarms}, none"),
        Bound("budgets", not product.over, f"{product.over} questions over a budget, none"),
        Bound(
            "calm names",
            product.calm_most <= CALM,
            f"{product.calm_most:.3f} questions a name and day at most, {CALM} of each registry",
        ),
    ]


def _faster(name: str, ours: float, theirs: float, times: float) -> Bound:
    ratio = theirs / max(ours, 1.0) if ours != float("inf") else 0.0
    return Bound(
        name, ratio >= times, f"{say_seconds(ours)} against {say_seconds(theirs)}: {ratio:.1f} times, at least {times:.0f}"
    )
