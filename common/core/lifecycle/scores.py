"""How good forecasts were: each that was in force when its name dropped, or was restored, is scored, by suffix.

The Brier score (G. W. Brier, 1950) is the mean of (probability - outcome)^2, the outcome being 1 where the name dropped inside
the window; 0 is perfect, and 0.25 is what a constant 0.5 gets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from common.core.model.entry import DropWindow

#: Suffixes that are told apart; the rest are counted together under "other".
SUFFIXES, OTHER = 500, "other"
#: Suffixes that are shown, those with the most forecasts first.
SHOWN = 100


class Ended(NamedTuple):
    """How a forecast ended: `result` is inside, outside (it dropped, in its window or not), stayed or missed.

    `brier` is its squared error, None where its outcome was counted before; `error` is |likely - observed| of a drop, in
    seconds.
    """

    result: str
    brier: float | None
    error: float | None = None


class Score(Struct, array_like=True):
    """The forecasts of one suffix, stored as an array: new fields come last. Sums, so that scores can be added up."""

    scored: int = 0
    dropped: int = 0
    inside: int = 0  # dropped inside the window
    error: float = 0.0  # sum of |likely - observed| of those that dropped, in seconds
    brier: float = 0.0  # sum of the squares
    missed: int = 0  # the window ended a day ago, and nothing had changed

    def add_other(self, other: Score) -> None:
        """Add what was counted elsewhere."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def to_plain(self) -> dict[str, Any]:
        """For the status: sums, and the means where there is something to divide by."""
        return {
            "scored": self.scored,
            "dropped": self.dropped,
            "inside": self.inside,
            "missed": self.missed,
            "error_sum": round(self.error, 1),
            "brier_sum": round(self.brier, 4),
            **show_means(self.scored, self.dropped, self.error, self.brier),
        }


def show_means(scored: float, dropped: float, error: float, brier: float) -> dict[str, float | None]:
    """The mean error in seconds and the Brier score; None without forecasts."""
    return {
        "mean_error": round(error / dropped, 1) if dropped else None,
        "brier": round(brier / scored, 4) if scored else None,
    }


class ForecastScores:
    """The scores by suffix; `changed` since they were last stored."""

    def __init__(self) -> None:
        self.suffixes: dict[str, Score] = {}
        self.changed = False

    def score_drop(self, suffix: str, window: DropWindow, after: float, since: float, *, missed: bool) -> Ended:
        """Score the forecast of a name that was purged between two times.

        Where the window was counted as missed already, only the error is added: its outcome is known.
        """
        score = self._open_score(suffix)
        inside = after <= window.latest and since >= window.earliest
        error, brier = abs(window.likely - min(max(window.likely, after), since)), (window.probability - inside) ** 2
        score.dropped += 1
        score.error += error
        score.inside += inside
        if not missed:
            score.scored += 1
            score.brier += brier
        return Ended("inside" if inside else "outside", None if missed else brier, error)

    def score_stay(self, suffix: str, window: DropWindow, *, missed: bool = False) -> Ended:
        """Score the forecast of a name that was restored, renewed, or is still there a day after its window (`missed`)."""
        score = self._open_score(suffix)
        score.scored += 1
        score.missed += missed
        score.brier += window.probability**2
        return Ended("missed" if missed else "stayed", window.probability**2)

    def to_plain(self) -> list[dict[str, Any]]:
        """For the status: a row for each suffix, those with the most forecasts first."""
        rows = sorted(self.suffixes.items(), key=lambda row: (-row[1].scored, row[0]))
        return [{"suffix": suffix, **score.to_plain()} for suffix, score in rows[:SHOWN]]

    def encode_text(self) -> str:
        """JSON text by suffix, for `restore_text`."""
        return msgspec.json.encode(self.suffixes).decode()

    def restore_text(self, text: str) -> None:
        """Take over what `encode_text` gave; a damaged text gives nothing."""
        self.suffixes = decode_scores(text)

    def _open_score(self, suffix: str) -> Score:
        self.changed = True
        key = suffix if suffix in self.suffixes or len(self.suffixes) < SUFFIXES else OTHER
        return self.suffixes.setdefault(key, Score())


def decode_scores(text: str) -> dict[str, Score]:
    """The scores of a text by suffix; nothing where it is damaged."""
    try:
        found = msgspec.json.decode(text, type=dict[str, Score])
    except (ValueError, RecursionError):
        return {}
    return dict(list(found.items())[: SUFFIXES + 1])


def join_scores(texts: Iterable[str]) -> str:
    """The scores of several texts of `encode_text`, added up."""
    whole: dict[str, Score] = {}
    for text in texts:
        add_scores(whole, decode_scores(text))
    return msgspec.json.encode(whole).decode()


def add_scores(whole: dict[str, Score], part: Mapping[str, Score]) -> None:
    """Add scores by suffix to others."""
    for suffix, score in part.items():
        whole.setdefault(suffix, Score()).add_other(score)
