"""The result of a sweep: unchanged names are rescheduled together, the others admitted to single checks."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from common.core.checks.escalation import INCONCLUSIVE_CHECKS
from common.core.domains.domain_table import STATE_CODES, Flag
from common.core.domains.stages import Stage
from common.core.model.batch import Batch
from common.core.model.evidence import Observation, Outcome, Reading, unknown_reading
from common.core.model.ids import Ids
from common.core.model.limit import Limit
from common.core.model.records import Detail
from common.core.model.states import State
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN, OPEN, UNASKED, UNUSUAL
from common.core.sweeps import sweep_results
from common.core.sweeps.sweep_results import LATER
from common.core.telemetry.metrics import snapshot_rows
from common.messages import Sweep, SweepDetails
from tests.core.checks.checks_room import NOW, PLENTY, credit
from tests.core.sweeps.sweeps_room import SweepsRoom, result_of

NODATA = Observation("dns", Reading(Outcome.REGISTERED, "dns_auth_nodata", "without name servers"), server="com")
REFUSED = Observation("dns", unknown_reading("dns_refused", "refused"), server="com", refused=True)
RDAP_ONLY = {**PLENTY, "whois/*": Limit("whois/*", 0.0, 0, None)}


def swept(count: int = 20, state: State = State.REGISTERED, room: SweepsRoom | None = None) -> tuple[SweepsRoom, Ids, Sweep]:
    """A sweep of so many names in this state that is under way; their registry records are fresh."""
    room = room or SweepsRoom()
    ids, sweep = room.send_sweep(count)
    room.domains.table.state[ids] = STATE_CODES[state]
    room.domains.table.registry_due[ids] = NOW + 1e6
    room.domains.count_state("UNKNOWN", state, count)
    return room, ids, sweep


def stages(room: SweepsRoom, ids: Ids) -> list[Stage]:
    """The stages of these names."""
    return [room.domains.stages.stage_of(name_id) for name_id in ids.tolist()]


def due_after(room: SweepsRoom, ids: Ids) -> tuple[float, float]:
    """Within how many seconds these names are due, at least and at most."""
    times = room.domains.table.schedule.times_of(ids) - NOW
    return float(times.min()), float(times.max())


def test_unchanged_names_are_rescheduled_together() -> None:
    """With what the sweep found in their columns; no name is loaded, nothing is announced."""
    room, ids, sweep = swept()
    room.results.take_result(result_of(sweep, [DELEGATED] * 20), NOW)
    table = room.domains.table

    assert stages(room, ids) == [Stage.IDLE] * 20
    assert 0.8 * 3600 <= due_after(room, ids)[0] <= due_after(room, ids)[1] <= 1.2 * 3600
    assert set(table.code[ids].tolist()) == {DELEGATED}
    assert set(table.dns_at[ids].tolist()) == {NOW}
    assert {table.addresses[number] for number in table.address[ids].tolist()} == {"192.0.2.1:53/udp"}
    assert len(room.domains.working_set) == 0
    assert not room.domains.journal.has_events()
    assert room.workers.lease_count() == 0


def test_names_that_are_delegated_at_their_first_check_are_registered() -> None:
    """That is a state, and no event."""
    room, ids, sweep = swept(state=State.UNKNOWN)
    room.results.take_result(result_of(sweep, [DELEGATED] * 20), NOW)

    assert set(room.domains.table.state[ids].tolist()) == {STATE_CODES[State.REGISTERED]}
    assert room.domains.by_state["REGISTERED"] == 20
    assert not room.domains.journal.has_events()


def test_names_that_left_the_zone_are_checked_at_once() -> None:
    """Before routine, and from the answer of the sweep."""
    room, ids, sweep = swept()
    room.results.take_result(result_of(sweep, [NXDOMAIN] * 2 + [DELEGATED] * 18), NOW)
    requests = [room.starts.admission.take_next_request(ordinary=True) for _ in range(2)]

    assert stages(room, ids) == [Stage.ADMITTED] * 2 + [Stage.IDLE] * 18
    for request in requests:
        assert request is not None
        assert request.left_zone
        assert request.by == "fast-0@h"
        assert request.observation is not None
        assert request.observation.reading.finding == "dns_auth_nxdomain"


def test_names_that_left_the_zone_without_room_at_the_registry_are_swept_again_soon() -> None:
    """Spread around a minute, so that they do not come back together."""
    limits = {**RDAP_ONLY, "rdap/rdap.com.test": Limit("x", 0.001, 1, None)}
    room, ids, sweep = swept(room=SweepsRoom(limits=limits))
    room.results.take_result(result_of(sweep, [NXDOMAIN] * 20), NOW)
    admitted = ids[[stage is Stage.ADMITTED for stage in stages(room, ids)]]
    late = np.setdiff1d(ids, admitted)

    assert 0 < len(admitted) < 20
    assert 0.5 * LATER <= due_after(room, late)[0] <= due_after(room, late)[1] <= 1.5 * LATER


def test_names_that_timed_out_are_repeated_soon_and_checked_by_themselves_after_some() -> None:
    """One timeout changes nothing."""
    room, ids, sweep = swept()
    table = room.domains.table
    table.inconclusive[ids[:5]] = INCONCLUSIVE_CHECKS - 1
    room.results.take_result(result_of(sweep, [OPEN] * 20), NOW)

    assert stages(room, ids) == [Stage.ADMITTED] * 5 + [Stage.IDLE] * 15
    assert table.inconclusive[ids[5:]].tolist() == [1] * 15
    assert due_after(room, ids[5:])[1] <= 1.2 * 15


def test_delegated_names_whose_registry_record_is_due_are_checked_as_there_is_room() -> None:
    """The oldest record first; the others wait for the next sweep."""
    limits = {**RDAP_ONLY, "rdap/rdap.com.test": Limit("x", 0.003, 1, None)}
    room, ids, sweep = swept(room=SweepsRoom(limits=limits))
    room.domains.table.registry_due[ids] = NOW - 1000.0 * np.arange(1, 21)
    room.results.take_result(result_of(sweep, [DELEGATED] * 20), NOW)
    admitted = [name_id for name_id, stage in zip(ids.tolist(), stages(room, ids), strict=True) if stage is Stage.ADMITTED]

    assert 0 < len(admitted) < 20
    assert admitted == ids.tolist()[-len(admitted) :]


def test_new_names_out_of_the_zone_may_use_more_of_a_quota_than_names_known_to_be_free() -> None:
    """Any of them may drop today: six tenths of the day at once, and not a little every hour."""
    limits = {**RDAP_ONLY, "rdap/rdap.com.test": Limit("x", 1.0, 5, 20)}
    admitted = {}
    for state in (State.UNKNOWN, State.UNREGISTERED):
        room, ids, sweep = swept(state=state, room=SweepsRoom(limits=limits))
        room.results.take_result(result_of(sweep, [NXDOMAIN] * 20), NOW)
        admitted[state] = stages(room, ids).count(Stage.ADMITTED)

    assert admitted[State.UNKNOWN] == 12
    assert admitted[State.UNREGISTERED] < 10


def test_a_loaded_name_is_checked_by_itself() -> None:
    """Something goes on with it; the sweep's answer is where its check starts."""
    room, ids, sweep = swept()
    room.domains.working_set.load_entry(int(ids[3]), Detail())
    room.results.take_result(result_of(sweep, [DELEGATED] * 20), NOW)

    assert [place for place, stage in enumerate(stages(room, ids)) if stage is Stage.ADMITTED] == [3]


def test_names_that_left_the_queue_meanwhile_are_left_alone() -> None:
    """A check on demand took one out, the list another."""
    room, ids, sweep = swept()
    room.domains.stages.admit_name(int(ids[0]))
    room.domains.stages.unwatch_name(int(ids[1]))
    room.results.take_result(result_of(sweep, [NXDOMAIN] * 2 + [DELEGATED] * 18), NOW)

    assert stages(room, ids[:2]) == [Stage.ADMITTED, Stage.UNWATCHED]
    assert len(room.starts.admission) == 0


def test_a_result_without_a_lease_decides_nothing() -> None:
    """It is counted as late."""
    room, ids, sweep = swept()
    for attempt in (sweep.attempt, sweep.attempt, "boot.999"):
        room.results.take_result(msgspec.structs.replace(result_of(sweep, [NXDOMAIN] * 20), attempt=attempt), NOW)
    late = sum(
        count for name, _, count in snapshot_rows(room.telemetry.metrics.snapshot(), "counters") if name == "late_results"
    )

    assert late == 2
    assert len(room.starts.admission) == 20
    assert stages(room, ids) == [Stage.ADMITTED] * 20


@pytest.mark.parametrize("returned", [False, True])
def test_a_result_that_cannot_be_read_or_was_returned_is_requeued(*, returned: bool) -> None:
    """Tokens are returned only where no query was sent."""
    room, _, sweep = swept()
    limit = room.zone_limit()
    message = msgspec.structs.replace(result_of(sweep, [DELEGATED] * 19), returned=returned)
    room.results.take_result(message, NOW)

    assert len(room.queues) == 20
    assert room.rate_limits.budgets.available_tokens(limit, "default", NOW) == limit.burst - (0 if returned else 20)


def test_names_left_out_because_the_zone_limits_us_are_as_due_as_before() -> None:
    """Their tokens are returned."""
    room, ids, sweep = swept(60)
    limit = room.zone_limit()
    message = msgspec.structs.replace(
        result_of(sweep, [UNUSUAL] * 20 + [UNASKED] * 40), observations=dict.fromkeys(range(20), REFUSED), refused=20
    )
    room.results.take_result(message, NOW)

    assert room.domains.table.schedule.times_of(ids[20:]).tolist() == [NOW - 10] * 40
    assert room.rate_limits.budgets.limited_until(limit, "default", NOW) > NOW
    assert len(room.queues) == 0


def test_names_left_out_without_a_complaint_count_as_lost() -> None:
    """They are queued again."""
    room, ids, sweep = swept()
    room.results.take_result(result_of(sweep, [DELEGATED] * 15 + [UNASKED] * 5), NOW)
    (queue,) = (queue for _, queue in room.queues.all_queues())

    assert [batch.ids.tolist() for batch in queue.lost] == [ids[15:].tolist()]


def test_unusual_answers_start_checks_from_their_details() -> None:
    """Also those sent ahead of the result; a name whose details were lost is queued again."""
    room, ids, sweep = swept()
    room.results.take_details(SweepDetails(credit("fast"), sweep.attempt, {0: NODATA}), NOW)
    assert stages(room, ids)[0] is Stage.ADMITTED
    message = msgspec.structs.replace(result_of(sweep, [UNUSUAL] * 3 + [DELEGATED] * 17), observations={1: NODATA})
    room.results.take_result(message, NOW)
    (queue,) = (queue for _, queue in room.queues.all_queues())

    assert stages(room, ids)[:3] == [Stage.ADMITTED, Stage.ADMITTED, Stage.QUEUED]
    assert [batch.ids.tolist() for batch in queue.lost] == [[int(ids[2])]]


def test_unusual_answers_without_room_are_due_again_a_little_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checks that wait are bounded."""
    monkeypatch.setattr(sweep_results, "MOST_UNUSUAL", 5)
    room, ids, sweep = swept()
    room.results.take_details(SweepDetails(credit("fast"), sweep.attempt, dict.fromkeys(range(20), NODATA)), NOW)

    assert stages(room, ids) == [Stage.ADMITTED] * 5 + [Stage.IDLE] * 15
    assert due_after(room, ids[5:]) == (LATER, LATER)


def test_an_answer_of_another_method_in_a_sweep_is_no_evidence() -> None:
    """It was never queried."""
    room, ids, sweep = swept()
    forged = Observation("rdap", Reading(Outcome.UNREGISTERED, "rdap_404_json", "not found"), server="rdap.com.test")
    message = msgspec.structs.replace(result_of(sweep, [UNUSUAL] * 20), observations=dict.fromkeys(range(20), forged))
    room.results.take_result(message, NOW)

    assert len(room.starts.admission) == 0
    assert stages(room, ids) == [Stage.QUEUED] * 20


def test_a_zone_that_turned_out_to_answer_for_everything_proves_nothing() -> None:
    """Its names are due at once: each needs a single check."""
    room, ids, sweep = swept(state=State.UNKNOWN)
    room.registries.wildcards.note_measured("com", wildcard=True)
    room.results.take_result(result_of(sweep, [DELEGATED] * 20), NOW)

    assert due_after(room, ids) == (0.0, 0.0)
    assert set(room.domains.table.state[ids].tolist()) == {STATE_CODES[State.UNKNOWN]}


def test_a_sweep_teaches_how_many_addresses_serve_its_zone() -> None:
    """The budget of the zone grows with them."""
    room, _, sweep = swept()
    room.results.take_result(msgspec.structs.replace(result_of(sweep, [DELEGATED] * 20), width=9), NOW)

    assert room.registries.address_count("com") == 9


def test_no_name_of_a_sweep_is_in_two_stages() -> None:
    """Whatever each of them was answered."""
    room, ids, sweep = swept(60)
    codes = [DELEGATED, NXDOMAIN, OPEN, UNUSUAL, UNASKED, 7] * 10
    room.results.take_result(msgspec.structs.replace(result_of(sweep, codes), observations={3: NODATA}), NOW)
    table = room.domains.table
    planned = np.isfinite(table.schedule.times_of(ids)).astype(int)
    queued, admitted = table.have_flag(ids, Flag.QUEUED).astype(int), table.have_flag(ids, Flag.ADMITTED).astype(int)

    assert (planned + queued + admitted).tolist() == [1] * 60
    assert isinstance(dict(room.queues.all_queues())["com"].lost[0], Batch)


def test_answers_that_are_lost_more_than_usual_halve_the_pace() -> None:
    """Once two sweeps in a row have met it; the names are settled all the same."""
    room = SweepsRoom()
    budgets, limit = room.rate_limits.budgets, room.zone_limit()
    for number, lost in enumerate((0, 30, 30)):
        _, sweep = room.send_sweep(60)
        result = msgspec.structs.replace(result_of(sweep, [DELEGATED] * 60), asked=90, lost=lost, delay_ms=20.0)
        assert budgets.learned_rate(limit, "default", NOW) == limit.rate
        room.results.take_result(result, NOW + number / 10)

    assert budgets.learned_rate(limit, "default", NOW + 1) == limit.rate / 2
    assert budgets.limited_until(limit, "default", NOW + 1) == pytest.approx(NOW + 10.2)
    assert len(room.queues) == 0
