"""Whether a reading of a publication looks like an accident: then it changes nothing until the same comes again."""

from __future__ import annotations

from msgspec import Struct

from common.core.model.publication import Publication

#: A list or a zone that loses more than this share of its names is held back; not a list of a single day: one is long, the next
#: one short.
LARGEST_LOSS = 0.5
#: Most seconds by which the clock of a registry may be ahead of ours.
AHEAD = 86_400.0


class Known(Struct, frozen=True):
    """The last reading of a publication that was taken: when it was made (epoch seconds) and how many names it held.

    `held` is the fingerprint of one that was held back since, "" for none.
    """

    made_at: float | None = None
    size: int = 0
    held: str = ""


class Reading(Struct, frozen=True):
    """A reading that was proved whole: when it was made (epoch seconds), how many names it holds, and a digest of them."""

    made_at: float
    size: int
    fingerprint: str


def date_reading(publication: Publication, stated: float | None, read_at: float) -> float:
    """When a publication was made, in epoch seconds, where `stated` may say so; else as long ago as it can be.

    What is dated too late would contradict answers that are younger than it in truth. A clock that is a little ahead is no
    trouble; one that is far ahead is left for `find_accident`.
    """
    if stated is None:
        return read_at - publication.every
    return stated if stated > read_at + AHEAD else min(stated, read_at)


def find_accident(publication: Publication, known: Known, new: Reading, now: float) -> str:
    """What is wrong with a reading that was proved whole, in one sentence; "" where it is to be taken.

    A list that is older than the one before, or was made in the future, is never taken. One that is empty or lacks more than
    half of the names is taken when the same comes again.
    """
    if new.made_at > now + AHEAD:
        return "it says that it was made in the future"
    if known.made_at is not None and new.made_at < known.made_at:
        return f"it is {known.made_at - new.made_at:.0f} s older than the one read before"
    if new.fingerprint == known.held:
        return ""
    again = "it is taken if it comes again unchanged"
    if new.size < publication.least:
        return f"it holds {new.size} names, fewer than {publication.least}; {again}"
    if publication.days_ahead is None and new.size < known.size * (1 - LARGEST_LOSS):
        return f"it holds {new.size} names instead of {known.size}; {again}"
    return ""


def note_reading(known: Known, new: Reading, problem: str) -> Known:
    """What is known of a publication after a reading, which was held back where there is a `problem`."""
    if problem:
        return Known(known.made_at, known.size, new.fingerprint if new.made_at >= (known.made_at or 0.0) else known.held)
    return Known(new.made_at, new.size)
