"""A registry that behaves otherwise than its row: learned from its drops, kept over a restart, and named in the basis."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from common.core.lifecycle.observed import DAY
from common.core.model.evidence import Phase
from tests.sim.truth import Name
from tests.sim.world import START, World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

HOUR = 3600.0
#: Pending delete begins an hour before a midnight, and ends after it: a day later by the calendar, instead of five.
MIDNIGHT = START - START % DAY + DAY
BEGAN, PURGED = MIDNIGHT - HOUR, MIDNIGHT + HOUR / 2
NAMES = tuple(f"drop{number}.com" for number in range(6))


def dropping(began: float, purged: float, caught: float | None = None) -> Name:
    """A name in pending delete from `began` on, purged at `purged`, and perhaps registered again."""
    changes: list[tuple[float, Phase | None]] = [(0.0, Phase.ACTIVE), (began, Phase.PENDING_DELETE), (purged, None)]
    return Name([*changes, (caught, Phase.ACTIVE)] if caught is not None else changes)


def bodies(world: World, domain: str) -> list[dict[str, Any]]:
    """The bodies of the notices about a name."""
    return [body for body in (json.loads(body) for _, _, body in world.posted) if body["domain"] == domain]


def order_looks(world: World) -> None:
    """Order a check of each name before its purge and after it: their calendar says that they drop days later."""
    for number, name in enumerate((*NAMES, "renewed.com")):
        for wait in (-15.0, 15.0):
            at = PURGED + 60.0 * number + wait
            world.after(at - world.now, partial(world.order, "check", name))


@pytest.fixture(scope="module")
def world() -> World:
    """Six names have dropped; the coordinator was killed an hour later and began again."""
    made = World(interval=600.0, start=BEGAN - HOUR / 2)
    for number, name in enumerate(NAMES):
        made.names[name] = dropping(BEGAN, PURGED + 60.0 * number, PURGED + 400.0 if name == NAMES[0] else None)
    made.names["renewed.com"] = Name([(0.0, Phase.ACTIVE), (BEGAN, Phase.REDEMPTION), (PURGED, Phase.ACTIVE)])
    made.watch(*NAMES, "renewed.com")
    order_looks(made)
    made.run(3 * HOUR)
    made.restart()
    made.run(HOUR / 6)
    return made


def test_what_was_observed_and_scored_survives_a_restart(world: World) -> None:
    """Six lengths of a day; five forecasts named another day, the sixth this one; one was of a name that was restored.

    Hours are those of the row: no single day teaches others.
    """
    calendar = world.core.rooms.domains.calendar
    seen, score = calendar.observed.suffixes["com"], calendar.scores.suffixes["com"]

    assert seen.lengths == {"pending_delete": [(1, 1)] * 6}
    assert (score.scored, score.dropped, score.inside) == (7, 6, 0)
    assert score.error / score.dropped == pytest.approx((5 * 4.8 + 0.8) / 6 * DAY, abs=DAY / 10)
    shown = [content["status"] for topic, content in world.published if topic.startswith("system.coordinator")][-1]
    assert {"suffix": "com", "what": "pending_delete", "row": "5 days", "observed": "1 day", "n": 6} in shown["calendar"][
        "deviations"
    ]
    assert shown["calendar"]["forecasts"][0]["suffix"] == "com"


def test_the_next_forecast_follows_what_was_observed(world: World) -> None:
    """A day, and the basis says from how many observations; it is published as it comes and goes."""
    began = world.now + HOUR / 4
    world.names["next.com"] = dropping(began, began + 30 * DAY)
    world.watch("next.com")
    world.run(HOUR / 2)
    drop, detail = world.entry("next.com").drop, world.entry("next.com").detail

    assert drop is not None
    assert drop.likely == pytest.approx(began + DAY, abs=DAY)
    assert "pending delete of 1 day seen 6 times" in detail.forecast_reason
    told = [content["forecast"] for topic, content in world.published if topic == "forecast.next.com"]
    assert told[-1]["basis"] == detail.forecast_reason
    assert told[-1]["probability"] == drop.probability
    notice = bodies(world, "next.com")[-1]
    assert (notice["status"], notice["forecast"]["basis"]) == ("pending_delete", detail.forecast_reason)


def test_a_restored_name_is_told_as_restored(world: World) -> None:
    """Redemption, then restored."""
    assert [status for _, status in world.notices("renewed.com")] == ["redemption", "restored"]


def test_a_catch_is_told_with_its_registrar_and_the_seconds_since_the_drop(world: World) -> None:
    """By the record of the new registration."""
    caught = bodies(world, NAMES[0])[-1]

    assert caught["status"] == "registered"
    assert caught["registrar"] == "Example Registrar"
    assert 0 < caught["seconds_after_drop"] <= 400.0  # as much later as it was seen purged
    assert world.entry(NAMES[0]).detail.caught_at is not None
