"""What is measured of a sweep."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from common.core.model.effects import Effects
from common.core.sweeps.sweep_telemetry import measure_lateness
from common.core.telemetry.metrics import Metrics
from common.core.telemetry.telemetry import Telemetry
from tests.core.checks.checks_room import NOW


def measured(lateness: list[float]) -> dict[str, Any]:
    """The timer after a sweep with this lateness."""
    telemetry = Telemetry(Effects(), NOW)
    measure_lateness(telemetry, np.array(lateness), "ordinary")
    ((name, labels, timer),) = telemetry.metrics.snapshot()["timers"]
    assert (name, labels) == ("lateness_seconds", {"lane": "ordinary"})
    return dict(timer)


@pytest.mark.parametrize(
    "lateness",
    [[2.5], [-1.0, 3.0], [0.07, 0.01, 0.025, 0.03, 2.0, 7000.0, 0.02], [0.1] * 10, np.linspace(0.0, 400.0, 999).tolist()],
)
def test_lateness_is_measured_like_that_of_each_name(lateness: list[float]) -> None:
    """Count, sum, least, most and the bucket of each: a name that left early, by a clock that was set, is not late."""
    alone = Metrics()
    for seconds in lateness:
        alone.observe("lateness_seconds", seconds)
    ((_, _, expected),) = alone.snapshot()["timers"]
    timer = measured(lateness)

    assert timer.pop("sum") == pytest.approx(expected.pop("sum"))
    assert timer == expected
