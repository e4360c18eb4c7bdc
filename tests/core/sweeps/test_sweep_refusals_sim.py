"""What the budget of a zone learns from the refusals in a sweep, in a simulated world, and what becomes of names left out."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from common.codec import decode_upward, encode
from common.core.model.evidence import Observation, Outcome, Reading, unknown_reading
from common.core.model.limit import Limit
from common.core.parsers.dns_fast import DELEGATED, OPEN, UNASKED, UNUSUAL
from common.core.rate_limits.bucket import Bucket
from common.messages import MAX_BATCH, VERSION, Credit, SweepResult
from tests.core.sweeps.swept_world import make_due
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

COUNT = 2000
NODATA = Observation("dns", Reading(Outcome.REGISTERED, "dns_auth_nodata", "without name servers"), server="com")
REFUSED = Observation("dns", unknown_reading("dns_refused", "refused"), server="com", refused=True)


def due_world(count: int = COUNT) -> tuple[World, list[str]]:
    """So many delegated names of com, due at once, with budgets for DNS and none for its registry."""
    limits = {"dns/*": Limit("dns/*", 1e6, 10**6, None), "http/*": Limit("http/*", 1e6, 10**6, None)}
    world = World(interval=3600.0, limits={**limits, "*": Limit("*", 0.0, 0, None)})
    names = [f"n{number}.com" for number in range(count)]
    world.watch(*names)
    make_due(world, names)
    return world, names


def bucket(world: World) -> Bucket:
    """The budget of com."""
    rooms = world.core.rooms
    return rooms.rate_limits.budgets._bucket_now(rooms.registries.limit_of("dns", "com", "com"), "default", world.now)


def answer_once(world: World, answer: SweepResult) -> SweepResult:
    """Answer one sweep like this; the next ones as they are."""
    world.tamper = lambda swept: swept
    return answer


def test_refusals_behind_unusual_answers_are_a_complaint() -> None:
    """Hundreds of unusual names first, then the zone limits us: however the details travel, the count decides."""
    world, _ = due_world()
    details = {place: NODATA if place < 400 else REFUSED for place in range(700)}

    def refuse(answer: SweepResult) -> SweepResult:
        if len(answer.codes) < 1000:
            return answer
        codes = bytes(UNUSUAL if place in details else DELEGATED for place in range(len(answer.codes)))
        # As sent at last: the details of the message that ends the sweep hold no refusal at all.
        return answer_once(world, msgspec.structs.replace(answer, codes=codes, observations=details, refused=300))

    world.tamper = refuse
    world.run(5)

    assert bucket(world).complaints == 1
    assert bucket(world).limited_until > world.now + 30
    assert "300 of" in bucket(world).reason
    assert world.core.rooms.domains.by_state["REGISTERED"] >= COUNT - 300


def test_names_left_out_are_neither_inconclusive_nor_paid_for_and_swept_when_the_pause_is_over() -> None:
    """A sweep that was broken off: names that were not queried get their tokens back, wait again, and count as no check."""
    world, _ = due_world()
    left: list[int] = []
    used: list[int] = []

    def refuse(answer: SweepResult) -> SweepResult:
        size = len(answer.codes)
        if size < 1000:
            return answer
        left.append(size - 100)
        used.append(bucket(world).used_today)
        codes = bytes([UNUSUAL] * 100 + [UNASKED] * (size - 100))
        served = bytes([0] * 100 + [255] * (size - 100))
        details = dict.fromkeys(range(100), REFUSED)
        return answer_once(
            world, msgspec.structs.replace(answer, codes=codes, served=served, observations=details, refused=100)
        )

    world.tamper = refuse
    world.run(2)
    table = world.core.rooms.domains.table

    assert len(left) == 1
    assert used[0] - bucket(world).used_today == left[0]
    assert bucket(world).complaints == 1
    assert len(world.core.rooms.sweep_queues) >= left[0]
    assert int(table.inconclusive[: len(world.core.rooms.domains)].max()) == 0

    swept_before = len(world.swept)
    world.run(50)
    assert len(world.swept) == swept_before
    world.run(60)
    assert sum(count for _, _, count in world.swept[swept_before:]) >= left[0]
    assert world.core.rooms.domains.by_state["REGISTERED"] >= left[0]
    world.check()


def test_names_left_out_without_a_complaint_are_not_swept_for_ever() -> None:
    """A worker that leaves names out for no reason gets them three times, then they wait for their next check."""
    world, names = due_world(300)

    def lazy(answer: SweepResult) -> SweepResult:
        size = len(answer.codes)
        return msgspec.structs.replace(answer, codes=bytes([UNASKED] * size), served=bytes([255] * size), observations={})

    world.tamper = lazy
    world.run(5)

    assert bucket(world).complaints == 0
    assert max(Counter(name for _, method, name in world.asked if name in set(names)).values()) <= 6
    world.check()


def test_the_message_of_an_older_worker_is_understood_and_the_other_way_round() -> None:
    """The count is missing there: refusals are counted among the details. A new field does not stop an older reader."""
    credit = Credit(VERSION, "w", "b", "fast", "default", ("dns",), 1, 1, 0)
    answer = SweepResult(credit, "a.1", bytes(3), bytes(3), refused=2, asked=9, lost=4, truncated=1, delay_ms=12.5)
    fields = msgspec.msgpack.decode(encode(answer))
    before, older = (decode_upward(msgspec.msgpack.encode(fields[:-count])) for count in (4, 5))
    newer = decode_upward(msgspec.msgpack.encode([*fields, "something new"]))

    assert before == SweepResult(credit, "a.1", bytes(3), bytes(3), refused=2)
    assert older == SweepResult(credit, "a.1", bytes(3), bytes(3))
    assert newer == answer

    world, _ = due_world(300)

    def old(message: SweepResult) -> SweepResult:
        size = len(message.codes)
        details = dict.fromkeys(range(min(size, MAX_BATCH)), REFUSED)
        codes = bytes(UNUSUAL if place in details else OPEN for place in range(size))
        return answer_once(world, msgspec.structs.replace(message, codes=codes, observations=details))

    world.tamper = old
    world.run(5)
    assert bucket(world).complaints == 1
