"""Whatever a worker sends: it is a message within bounds or it is refused, and no message ends the coordinator's run."""

from __future__ import annotations

import contextlib
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.codec import decode_upward, encode
from common.core.coordinator.inputs import MessageArrived, Tick
from common.core.model.evidence import Fields, Observation, Outcome, Phase, Reading
from common.core.telemetry.repeats import EVERY, Repeats
from common.errors import MessageError
from common.messages import (
    VERSION,
    Bye,
    Command,
    Credit,
    DeliveryResult,
    DeliveryResults,
    Result,
    Results,
    SweepDetails,
    SweepResult,
)
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

CREDIT = Credit(VERSION, "fast-0@sim", "b1", "fast", "default", ("dns", "http"), 16, 16, 0, 0, 4)
READING = Reading(
    Outcome.UNREGISTERED, "dns_auth_nxdomain", "gone", Phase.ACTIVE, Fields(statuses=("ok",)), 1.0, 2.0, "whois.test", 3
)
SEEN = Observation("dns", READING, "com", "192.0.2.1:53/udp", 1.0, 3, "ab", "text", 4)
NUMBERS = (-1, 2**31, 2**32, 2**63, 2**64 - 1, -(2**63), 1e308, -1e308, float("nan"), float("inf"))
TREES = st.recursive(
    st.none() | st.booleans() | st.sampled_from(NUMBERS) | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=40)
    | st.binary(max_size=40) | st.just("x" * 3000),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(-5, 5000) | st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def messages(attempt: str, size: int) -> list[Any]:
    """One of each kind that comes up, about this attempt; `size` names are in its sweep."""
    return [
        CREDIT,
        Bye("fast-0@sim", "b1"),
        Results(CREDIT, (Result(attempt, SEEN), Result(attempt, None, returned=True))),
        SweepDetails(CREDIT, attempt, {0: SEEN}),
        SweepResult(CREDIT, attempt, bytes(size), bytes(size), "com", 1, ("192.0.2.1:53/udp",), 1, 1.0, 1.0, {0: SEEN}, SEEN),
        DeliveryResults(CREDIT, (DeliveryResult(attempt, 200, "", 1.0, 1.0),)),
        Command("check", "a.com", "x"),
    ]


def places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something can be exchanged."""
    found = [path]
    items = enumerate(tree) if isinstance(tree, list) else tree.items() if isinstance(tree, dict) else ()
    for key, inner in items:
        found += places(inner, (*path, key))
    return found


def exchanged(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The tree with another value at this place."""
    if not path:
        return value
    copy = list(tree) if isinstance(tree, list) else dict(tree)
    copy[path[0]] = exchanged(copy[path[0]], path[1:], value)
    return copy


def busy_world() -> tuple[World, list[str]]:
    """A coordinator with questions, sweeps and callbacks under way, and their attempts."""
    world = World(interval=20.0, priority=2.0)
    world.watch("a.com", "b.com", priority=True)
    world.watch(*(f"n{number}.com" for number in range(20)))
    world.run(1.0)
    world.run(0.02)
    return world, [*world.core.rooms.workers._leases, "boot1.1"]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_mutation_of_a_message_ends_the_run(data: st.DataObject) -> None:
    """Any value at any places of any message: refused by the codec, or taken by the core without an error."""
    world, attempts = _WORLD
    for _ in range(20):
        attempt = data.draw(st.sampled_from(attempts))
        tree = msgpack.unpackb(encode(data.draw(st.sampled_from(messages(attempt, 4)))), strict_map_key=False)
        for _ in range(data.draw(st.integers(1, 2))):
            tree = exchanged(tree, data.draw(st.sampled_from(places(tree))), data.draw(TREES))
        with contextlib.suppress(MessageError, OverflowError, ValueError):
            frame = msgpack.packb(tree)
            message = decode_upward(frame)
            try:
                world.core.handle(MessageArrived(message), world.now)
            except (OverflowError, ValueError) as error:
                raise AssertionError(frame) from error
    world.core.handle(Tick(), world.now)


_WORLD = busy_world()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_noise_is_refused(frame: bytes) -> None:
    """A frame is a message or a MessageError, and nothing else."""
    with contextlib.suppress(MessageError):
        decode_upward(frame)


@pytest.mark.parametrize("number", [-(2**63), 2**64 - 1, -1e308, 1e308, float("nan"), float("inf")])
@pytest.mark.parametrize(
    "path",
    [
        (1, 1), (1, 7), (1, 8), (1, 9), (1, 10), (1, 11), (2, 0, 1, "reading", "serial"), (2, 0, 1, "reading", "fresh_at"),
        (2, 0, 1, "reading", "retry_after"), (2, 0, 1, "width"), (2, 0, 1, "status"), (2, 0, 1, "duration_ms"),
    ],
)  # fmt: skip
def test_every_number_has_bounds(path: tuple[Any, ...], number: float) -> None:
    """What no honest worker can mean is refused where it arrives."""
    tree = msgpack.unpackb(encode(Results(CREDIT, (Result("a", SEEN),))))
    with pytest.raises(MessageError):
        decode_upward(msgpack.packb(exchanged(tree, path, number)))


@pytest.mark.parametrize("serial", [2**32, 2**64 - 1, -1])
def test_a_serial_is_32_bits_in_a_sweep_too(serial: int) -> None:
    """RFC 1035 section 3.3.13."""
    with pytest.raises(MessageError):
        decode_upward(encode(msgspec.structs.replace(SweepResult(CREDIT, "a"), serial=serial)))


def test_a_run_of_the_same_is_said_once_and_then_counted() -> None:
    """The first at once, the others once a minute, and after a minute without any the next is a first again."""
    repeats = Repeats()

    assert [repeats.note_repeat(0.0), repeats.note_repeat(1.0), repeats.note_repeat(2.0)] == [True, False, False]
    assert [repeats.count_due(EVERY - 1), repeats.count_due(EVERY), repeats.count_due(EVERY + 1)] == [0, 2, 0]
    assert repeats.count_due(2 * EVERY) == 0
    assert repeats.note_repeat(2 * EVERY + 1)
