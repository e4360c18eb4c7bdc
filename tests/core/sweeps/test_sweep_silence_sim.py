"""What the budget of a zone learns from a sweep that was not answered, in a simulated world."""

from __future__ import annotations

import msgspec
import pytest

from common.core.model.evidence import Observation, unknown_reading
from common.core.parsers.dns_fast import OPEN, UNUSUAL
from common.core.rate_limits.bucket import SLOW
from common.messages import SweepResult
from tests.core.sweeps.test_sweep_refusals_sim import NODATA, bucket, due_world

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

SERVFAIL = Observation("dns", unknown_reading("dns_servfail", "failed"), server="com")


@pytest.mark.parametrize(
    ("details", "trouble", "grows"),
    [
        (None, None, True),
        (NODATA, None, True),
        (SERVFAIL, None, False),
        ("open", None, False),
        (None, Observation("dns", unknown_reading("dns_timeout", "no answer in time")), False),
    ],
)
def test_the_pace_grows_back_by_answers_alone(
    details: Observation | str | None, trouble: Observation | None, grows: bool
) -> None:
    """Silence and errors are neither a complaint nor a reason to query more, as for a single check."""
    world, _ = due_world(300)

    def answer_sweep(answer: SweepResult) -> SweepResult:
        size, state = len(answer.codes), bucket(world)
        state.rate, state.clean_answers, state.grown_at = state.ceiling / 10, SLOW.answers - 1, world.now - SLOW.least
        if trouble is not None:
            return SweepResult(answer.credit, answer.attempt, trouble=trouble)
        if details == "open":
            return msgspec.structs.replace(answer, codes=bytes([OPEN] * size), served=bytes([255] * size), observations={})
        if isinstance(details, Observation):
            return msgspec.structs.replace(
                answer, codes=bytes([UNUSUAL] * size), observations=dict.fromkeys(range(size), details)
            )
        return answer

    world.tamper = answer_sweep
    while not world.swept:
        world.run(0.001)

    assert (bucket(world).rate > 0.105 * bucket(world).ceiling) is grows
    assert bucket(world).complaints == 0


def test_a_firewall_that_rejects_a_sweep_limits_the_budget_as_it_does_for_a_single_check() -> None:
    """Connection refused is a complaint, by sweep or by single query."""
    refused = Observation("dns", unknown_reading("dns_unreachable", "refuses connections"), server="com", refused=True)
    world, _ = due_world(300)
    world.tamper = lambda answer: SweepResult(answer.credit, answer.attempt, trouble=refused)
    world.run(5)

    assert bucket(world).complaints >= 1
    assert bucket(world).limited_until > world.now
