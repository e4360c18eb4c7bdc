"""One name alone at honest registries: the built-in budgets leave room to tell its drop at once."""

from __future__ import annotations

import pytest

from tests.sim.budget_times import time_of
from tests.sim.suffix_models import DAY

#: Drives a simulated world.
pytestmark = pytest.mark.simulation


@pytest.mark.parametrize(("suffix", "seconds"), [("com", 10), ("org", 30), ("de", 30), ("uk", 60)])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_from_the_first_denial_to_the_notice(suffix: str, seconds: float, seed: int) -> None:
    """The confirmation does not wait for what the budget cannot pay."""
    timed = time_of(suffix, seed)

    assert timed.in_window
    assert timed.confirmed is not None
    assert timed.confirmed <= seconds


@pytest.mark.parametrize("seed", [1, 2])
def test_a_suffix_with_whois_alone_and_few_questions_a_day_is_told_on_the_day(seed: int) -> None:
    """Internetstiftelsen's names go early in the morning; the queries of the day last for the alarm."""
    timed = time_of("se", seed)

    assert timed.in_window
    assert timed.notice is not None
    assert timed.notice // DAY == timed.purge // DAY
