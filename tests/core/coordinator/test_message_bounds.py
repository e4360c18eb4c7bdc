"""What is no message within bounds is refused where it arrives."""

from __future__ import annotations

import contextlib
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.codec import decode_upward, encode
from common.errors import MessageError
from common.messages import Result, Results, SweepResult
from tests.core.coordinator.sample_messages import CREDIT, SEEN, exchanged


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
