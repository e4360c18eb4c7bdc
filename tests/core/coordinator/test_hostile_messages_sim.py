"""No message of a worker ends the run of a coordinator in a simulated world."""

from __future__ import annotations

import contextlib

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.codec import decode_upward, encode
from common.core.coordinator.inputs import MessageArrived, Tick
from common.errors import MessageError
from tests.core.coordinator.sample_messages import exchanged, messages, places
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

NUMBERS = (-1, 2**31, 2**32, 2**63, 2**64 - 1, -(2**63), 1e308, -1e308, float("nan"), float("inf"))
TREES = st.recursive(
    st.none() | st.booleans() | st.sampled_from(NUMBERS) | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=40)
    | st.binary(max_size=40) | st.just("x" * 3000),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(-5, 5000) | st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def busy_world() -> tuple[World, list[str]]:
    """A coordinator with queries, sweeps and callbacks under way, and their attempts."""
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
