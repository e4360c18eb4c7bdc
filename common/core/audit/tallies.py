"""How often answers and alarms were right, as the status shows it."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

#: Most servers shown.
SHOWN = 200
Count = Annotated[int, Meta(ge=0)]


class Tally(Struct):
    """How often answers were confirmed and contradicted."""

    confirmed: Count = 0
    contradicted: Count = 0

    def share_right(self) -> float:
        """The share that was right, with a prior of Beta(0.5, 0.5): one half before anything is known."""
        return round((self.confirmed + 0.5) / (self.confirmed + self.contradicted + 1.0), 4)

    def add_answer(self, *, right: bool) -> None:
        """Count one more answer."""
        self.confirmed += right
        self.contradicted += not right


class Alarms(Struct):
    """How the alarms turned out; those neither confirmed nor retracted are still open or were never settled."""

    announced: Count = 0
    confirmed: Count = 0
    retracted: Count = 0

    def to_plain(self) -> dict[str, Any]:
        """For the status page; `precision` is null until the first alarm is settled."""
        settled = self.confirmed + self.retracted
        precision = round(self.confirmed / settled, 4) if settled else None
        return {
            "announced": self.announced,
            "confirmed": self.confirmed,
            "retracted": self.retracted,
            "unsettled": max(0, self.announced - settled),
            "precision": precision,
        }


def show_tally(tally: Tally) -> dict[str, Any]:
    """For the status page."""
    return {"confirmed": tally.confirmed, "contradicted": tally.contradicted, "share": tally.share_right()}
