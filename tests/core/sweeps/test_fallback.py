"""Names that no sweep can serve: they go back to the schedule, or to single checks when they cannot wait."""

from __future__ import annotations

import numpy as np

from common.core.domains.stages import Stage
from common.core.model.batch import Batch
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.ids import Ids
from common.core.sweeps.fallback import RELEASE_EVERY
from common.core.workers.leases import RETURN, SILENT
from tests.core.checks.checks_room import NOW
from tests.core.sweeps.sweeps_room import SweepsRoom

HOUR, DAY = 3600.0, 86_400.0
THROTTLED = Observation("dns", Reading(Outcome.THROTTLED, "dns_refused", "slow down", retry_after=8 * HOUR))


def queued(room: SweepsRoom) -> Ids:
    """Twenty names of com that wait for a sweep, without a forecast, whose registry records are fresh."""
    ids = room.queue_names(20)
    room.domains.table.registry_due[ids] = NOW + DAY
    return ids


def stages(room: SweepsRoom, ids: Ids) -> list[Stage]:
    """The stages of these names."""
    return [room.domains.stages.stage_of(name_id) for name_id in ids.tolist()]


def limit_zone(room: SweepsRoom) -> None:
    """Let the name servers of com limit us for hours."""
    room.rate_limits.budgets.note_answer(room.zone_limit(), "default", THROTTLED, NOW)


def test_without_a_sweeper_names_go_back_to_the_schedule_as_due_as_before() -> None:
    """Once a lost worker had time to return; lost sweeps included."""
    room = SweepsRoom()
    ids = queued(room)
    room.queues.requeue_batch(Batch(ids[:10], np.full(10, NOW - 10), "com", room.zone_limit()))
    gone = NOW + SILENT + 1
    room.workers.drop_silent(gone)
    room.fallback.release_waiting(gone)
    assert stages(room, ids) == [Stage.QUEUED] * 20

    room.fallback.release_waiting(gone + RETURN)
    assert stages(room, ids) == [Stage.IDLE] * 20
    assert room.domains.table.schedule.times_of(ids).tolist() == [NOW - 10] * 20
    assert len(room.queues) == 0


def test_a_name_whose_window_opens_is_admitted_to_a_check() -> None:
    """However long the queue; in a wide window it waits until the last day."""
    room = SweepsRoom()
    ids = queued(room)
    table = room.domains.table
    for name_id, window in zip(ids[:3].tolist(), [(-60.0, HOUR), (-10 * DAY, 20 * DAY), (6 * HOUR, 8 * HOUR)], strict=True):
        table.earliest[name_id], table.latest[name_id] = NOW + window[0], NOW + window[1]
    room.fallback.release_waiting(NOW)

    assert stages(room, ids) == [Stage.ADMITTED] + [Stage.QUEUED] * 19
    assert len(room.queues) == 19
    request = room.starts.admission.take_next_request(ordinary=True)
    assert request is not None
    assert request.left_zone


def test_in_a_zone_that_limits_us_names_with_a_due_record_are_checked_at_the_registry() -> None:
    """The others wait: DNS alone is late for them."""
    room = SweepsRoom()
    ids = queued(room)
    room.domains.table.registry_due[ids[:5]] = NOW - HOUR
    room.fallback.release_waiting(NOW)
    assert stages(room, ids) == [Stage.QUEUED] * 20

    limit_zone(room)
    room.fallback.release_waiting(NOW + RELEASE_EVERY)
    assert stages(room, ids) == [Stage.ADMITTED] * 5 + [Stage.QUEUED] * 15


def test_a_lost_sweep_of_a_zone_that_limits_us_goes_back_to_the_schedule() -> None:
    """Its names are queued again when the zone can be swept."""
    room = SweepsRoom()
    ids = queued(room)
    room.queues.take_all()
    room.queues.requeue_batch(Batch(ids, np.full(20, NOW - 10), "com", room.zone_limit()))
    limit_zone(room)
    room.fallback.release_waiting(NOW)

    assert stages(room, ids) == [Stage.IDLE] * 20
    assert len(room.queues) == 0


def test_the_queues_are_searched_every_half_minute() -> None:
    """A search of a million names is not for every tick."""
    room = SweepsRoom()
    room.fallback.release_waiting(NOW)
    ids = queued(room)
    room.domains.table.earliest[ids], room.domains.table.latest[ids] = NOW - 60, NOW + 60
    room.fallback.release_waiting(NOW + RELEASE_EVERY - 1)
    assert stages(room, ids) == [Stage.QUEUED] * 20

    room.fallback.release_waiting(NOW + RELEASE_EVERY)
    assert stages(room, ids) == [Stage.ADMITTED] * 20
