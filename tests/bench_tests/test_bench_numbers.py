"""Arithmetic of the figures, the bounds and the table."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from common.core.telemetry.metrics import Metrics
from tests.bench import figures, numbers, profiles, records
from tests.bench.figures import NO_SIZE, Figure

TIME = Figure("wall", "a time", "s", hold=10, go_for=5)


def test_a_quantile_is_a_value_that_was_measured() -> None:
    """The nearest rank counts, and of nothing there is no quantile."""
    values = [float(number) for number in range(1, 101)]
    assert (numbers.of_values(values, 0.5), numbers.of_values(values, 0.99), numbers.of_values([7.0], 0.99)) == (50, 99, 7)
    assert math.isnan(numbers.of_values([], 0.5))


def test_work_begins_and_ends_where_the_trace_rises() -> None:
    """Idle seconds before and after, and a trickle far below the steepest rise, do not belong to it."""
    trace = [(0.0, 0.0), (1.0, 0.0), (2.0, 1.0), (3.0, 2.0), (4.0, 2.05), (5.0, 2.05)]
    assert numbers.busy_part(trace, 0.0, 5.0) == (1.0, 3.0)


def test_without_any_work_the_bounds_are_what_is_known() -> None:
    """A trace that never rises, or is empty, tells nothing more exact."""
    assert numbers.busy_part([(0.0, 1.0), (1.0, 1.0)], 0.0, 9.0) == (0.0, 9.0)
    assert numbers.busy_part([], 2.0, 3.0) == (2.0, 3.0)


def test_metrics_are_read_by_name_and_labels() -> None:
    """Counters of several outcomes add up; a timer that was never used is no number."""
    metrics = Metrics()
    metrics.count("checks", 3, method="dns", outcome="registered")
    metrics.count("checks", 2, method="dns", outcome="unregistered")
    metrics.count("checks", 5, method="rdap", outcome="registered")
    metrics.observe("lateness", 0.2, lane="priority")
    snapshot = metrics.snapshot()
    assert numbers.total(snapshot, "checks", method="dns") == 5
    assert numbers.timer(snapshot, "lateness", 0.5, lane="priority") == pytest.approx(0.2, rel=0.5)
    assert math.isnan(numbers.timer(snapshot, "lateness", 0.5, lane="ordinary"))
    assert math.isnan(numbers.gauge(snapshot, "loop_stall_max_seconds"))


@pytest.mark.parametrize(("value", "said"), [(4.0, "goal"), (5.0, "goal"), (7.0, "held"), (10.1, "MISSED"), (math.nan, "")])
def test_a_value_is_held_against_both_bounds(value: float, said: str) -> None:
    """Equal to a bound is within it."""
    assert figures.verdict(TIME, value) == said


def test_of_a_rate_more_is_better() -> None:
    """The bounds are the least that counts."""
    rate = Figure("rate", "a rate", "/s", hold=500, go_for=1000, more=True)
    assert [figures.verdict(rate, value) for value in (400, 500, 1000)] == ["MISSED", "held", "goal"]


def test_a_cell_shows_median_and_extremes() -> None:
    """One round has no spread, and what was not measured is a dash."""
    assert figures.cell(TIME, [{"wall": 3.0}, {"wall": 1.0}, {"wall": 20.0}]) == "3.00 (1.00-20.0)"
    assert figures.cell(TIME, [{"wall": 1234.5}]) == "1,234"
    assert figures.cell(TIME, [{}]) == figures.cell(TIME, [{"wall": math.nan}]) == "-"


def test_a_bound_for_a_million_names_is_not_judged_with_fewer() -> None:
    """A quick run says how long a start took, not that it was fast enough."""
    rows = {count: [{"start.health": 3.0}] for count in (10_000, 1_000_000)}
    line = next(line for line in figures.table({"now": rows}).splitlines() if line.startswith("| start"))
    small = next(line for line in figures.table({"now": {10_000: rows[10_000]}}).splitlines() if line.startswith("| start"))
    assert line.endswith("| goal |")
    assert small.endswith("|  |")


def test_two_runs_stand_side_by_side_and_the_last_one_is_judged() -> None:
    """Before and now get a column for each size that either has."""
    before = {10_000: [{"second.cpu": 500.0}]}
    now = {10_000: [{"second.cpu": 30.0}], 1_000_000: [{"second.cpu": 33.0}], NO_SIZE: [{"dns.sweep": 9.0}]}
    text = figures.table({"before": before, "now": now})
    assert "| 10,000, before | 10,000, now | 1,000,000, now |" in text
    assert "| 500 | 30.0 | 33.0 |  |  |  |" in text
    assert "| CPU per name, the largest size against the smallest | ratio | - | 1.10 | <= 1.2 | <= 1 | held |" in text


def test_what_was_saved_makes_the_same_table(tmp_path: Path) -> None:
    """A figure that could not be measured stays one."""
    found = {10_000: [{"second.wall": 1.5, "refresh.stall_told": math.nan}]}
    records.save(tmp_path / "run.json", {"python": "3"}, found, [], {})
    assert figures.table({"now": records.load(tmp_path / "run.json")}) == figures.table({"now": found})


def test_every_figure_has_a_key_of_its_own() -> None:
    """And a goal is never looser than what has to be held."""
    every = (*figures.FIGURES, *figures.OVERALL)
    assert len({figure.key for figure in every}) == len(every)
    for figure in every:
        if figure.hold is not None and figure.go_for is not None:
            assert figures.verdict(figure, figure.go_for) == "goal"
            assert (figure.go_for > figure.hold) == figure.more


def test_profiles_of_two_runs_stand_side_by_side() -> None:
    """A run with fewer functions leaves its cells empty."""
    runs = {"before": {"fast": [("a.py:f", 0.5), ("b.py:g", 0.25)]}, "now": {"fast": [("c.py:h", 1.0)]}}
    assert profiles.table(runs).splitlines()[0] == "| fast: before | % | fast: now | % |"
    assert profiles.table(runs).splitlines()[2:] == ["| `a.py:f` | 50.0 | `c.py:h` | 100.0 |", "| `b.py:g` | 25.0 |  |  |"]


def test_a_table_takes_the_place_of_the_one_before() -> None:
    """Only between its markers; a document without them is not touched."""
    text = "head\n<!-- figures -->\nold\n<!-- /figures -->\ntail"
    assert records.placed(text, "figures", "new") == "head\n<!-- figures -->\n\nnew\n\n<!-- /figures -->\ntail"
    with pytest.raises(ValueError, match="profiles"):
        records.placed(text, "profiles", "new")


def test_a_profile_counts_the_innermost_function() -> None:
    """Paths are cut to the project, or to the library they belong to."""
    stacks = (
        "main (/x/actors/cli/main.py:3);loop (/x/common/core/sweeps/batches.py:9) 3\n"
        "main (/x/lib/site-packages/zmq/a.py:1) 1\nodd\n"
    )
    assert profiles.shares(stacks) == [("common/core/sweeps/batches.py:loop", 0.75), ("zmq/a.py:main", 0.25)]
