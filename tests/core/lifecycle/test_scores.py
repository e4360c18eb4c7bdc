"""Forecasts are scored against what happened."""

from __future__ import annotations

import pytest

from common.core.lifecycle.scores import OTHER, SHOWN, SUFFIXES, Ended, ForecastScores, Score, decode_scores, join_scores
from common.core.model.entry import DropWindow

WINDOW = DropWindow(1000.0, 1500.0, 2000.0, 0.75)


@pytest.mark.parametrize(
    ("after", "since", "inside", "error"),
    [
        (1400.0, 1600.0, True, 0.0),  # the likely moment lies in what is known
        (1600.0, 1700.0, True, 100.0),
        (1100.0, 1200.0, True, 300.0),
        (900.0, 1000.0, True, 500.0),
        (900.0, 999.0, False, 501.0),
        (2000.0, 2100.0, True, 500.0),
        (2001.0, 2100.0, False, 501.0),
    ],
)
def test_a_drop_is_scored_by_where_it_fell(after: float, since: float, inside: bool, error: float) -> None:
    """Known to lie between two checks; what may have been inside counts as inside."""
    scores = ForecastScores()

    brier = 0.0625 if inside else 0.5625
    assert scores.score_drop("com", WINDOW, after, since, missed=False) == Ended(
        "inside" if inside else "outside", brier, error
    )
    assert scores.suffixes["com"] == Score(1, 1, int(inside), error, brier)
    assert scores.changed


def test_a_drop_after_a_missed_window_adds_its_error_and_no_second_outcome() -> None:
    """The outcome of that forecast is known already."""
    scores = ForecastScores()
    assert scores.score_stay("com", WINDOW, missed=True) == Ended("missed", 0.5625)
    assert scores.score_drop("com", WINDOW, 9000.0, 9500.0, missed=True) == Ended("outside", None, 7500.0)

    assert scores.suffixes["com"] == Score(scored=1, dropped=1, inside=0, error=7500.0, brier=0.5625, missed=1)


def test_a_name_that_stays_was_forecast_to_drop_in_vain() -> None:
    """Restored or renewed: the square of the probability."""
    scores = ForecastScores()
    assert not scores.changed
    assert scores.score_stay("com", WINDOW) == Ended("stayed", 0.5625)

    assert scores.changed
    assert scores.to_plain() == [
        {
            "suffix": "com",
            "scored": 1,
            "dropped": 0,
            "inside": 0,
            "missed": 0,
            "error_sum": 0.0,
            "brier_sum": 0.5625,
            "mean_error": None,
            "brier": 0.5625,
        }
    ]


def test_the_means_are_over_what_was_counted() -> None:
    """Errors over drops, the Brier score over all forecasts; without any there is no mean."""
    shown = Score(scored=4, dropped=2, inside=1, error=301.0, brier=1.0).to_plain()
    assert (shown["mean_error"], shown["brier"]) == (150.5, 0.25)
    shown = Score(scored=3, dropped=3, error=1.26, brier=0.123456).to_plain()
    assert (shown["mean_error"], shown["brier"], shown["error_sum"], shown["brier_sum"]) == (0.4, 0.0412, 1.3, 0.1235)
    assert (Score().to_plain()["mean_error"], Score().to_plain()["brier"]) == (None, None)


def test_suffixes_are_bounded_and_the_rest_is_counted_together() -> None:
    """And those with the most forecasts are shown."""
    scores = ForecastScores()
    for number in range(SUFFIXES + 2):
        scores.score_stay(f"s{number}", WINDOW)
    scores.score_stay("s7", WINDOW)

    assert len(scores.suffixes) == SUFFIXES + 1
    assert scores.suffixes[OTHER].scored == 2
    shown = scores.to_plain()
    assert len(shown) == SHOWN
    assert [row["suffix"] for row in shown[:3]] == [OTHER, "s7", "s0"]


def test_scores_survive_as_text_and_those_of_shards_are_added_up() -> None:
    """A damaged text gives nothing."""
    scores = ForecastScores()
    scores.score_drop("com", WINDOW, 1600.0, 1700.0, missed=False)
    text = scores.encode_text()
    again = ForecastScores()
    again.restore_text(text)

    assert again.suffixes == scores.suffixes
    assert decode_scores("[") == decode_scores("[" * 9999) == decode_scores("") == {}
    assert decode_scores(join_scores([text, text, "["])) == {"com": Score(2, 2, 2, 200.0, 0.125)}
    many = "{" + ",".join(f'"s{number}":[]' for number in range(SUFFIXES + 9)) + "}"
    assert len(decode_scores(many)) == SUFFIXES + 1
