"""Stated confidence against what became of it, in a simulated world."""

from __future__ import annotations

import pytest

from common.codec import convert, decode_map
from common.core.audit.calibration import Calibration
from common.core.audit.ledger import LedgerEntry
from common.core.model.evidence import Phase
from tests.sim.truth import Name
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation


def test_simulated_drops_are_settled_from_their_ledger() -> None:
    """Names that are purged and caught confirm every claim that was made about them."""
    world = World(interval=60.0, priority=2.0)
    for number in range(5):
        purged = world.now + 20 + 7 * number
        world.names[f"gone{number}.com"] = Name([(0.0, Phase.PENDING_DELETE), (purged, None), (purged + 60, Phase.ACTIVE)])
    world.watch(*world.names, priority=True)
    world.run(200)
    calibration = Calibration()
    for name in world.names:
        history = [convert(decode_map(row.body), LedgerEntry) for row in world.stored.ledger if row.domain == name]
        calibration.add_history(history, world.now)

    assert calibration.claims >= 15
    assert calibration.report()["contradicted"] == 0
    assert calibration.calibration_error() == pytest.approx(0.0, abs=0.01)
