"""A crowd of names under the built-in budgets: none is forgotten, whatever goes on with the others."""

from __future__ import annotations

import pytest

from tests.sim.crowd import Crowd, run

#: Drives a simulated world.
pytestmark = pytest.mark.simulation


def test_no_name_is_unseen_for_longer_than_twice_its_interval() -> None:
    """Thousands at five registries, thirty of them in redemption at one; `python -m tests.sim.crowd` runs fifty thousand."""
    seen = run(Crowd(5000, interval=3600.0), 2.5)

    assert seen.late == 0, seen.line
    assert seen.longest < 2 * 3600.0
