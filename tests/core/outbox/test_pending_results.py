"""Results of sweeps that have to be posted: pending, the newest of each name, until they become deliveries."""

from __future__ import annotations

import numpy as np
from common.core.outbox.feed import Feed

from common.core.domains.domains import Domains
from common.core.model.effects import Effects
from common.core.model.ids import Ids
from common.core.outbox.announcer import Announcer
from common.core.outbox.deliveries import Deliveries
from common.core.parsers.dns_fast import DELEGATED
from common.core.schedule.cadence import Cadence
from common.core.telemetry.telemetry import Telemetry

NOW = 1_790_000_000.0


class Outbox:
    """Names that a sweep just found delegated, and the announcer that posts their results."""

    def __init__(self, count: int, *, results: str = "all") -> None:
        effects = Effects()
        self.domains = Domains(Cadence(600.0, 60.0, 30.0, 2.0), lambda _: b"", NOW)
        self.telemetry = Telemetry(effects, NOW)
        feed = Feed(effects, "test")
        self.announcer = Announcer(self.domains, Deliveries(), feed, self.telemetry, callbacks=True, results=results)
        table = self.domains.table
        ids = table.add_names([f"n{number}.com" for number in range(count)], ["com"] * count)
        table.code[ids], table.dns_at[ids] = DELEGATED, NOW
        self.sweep(ids)

    def sweep(self, ids: Ids) -> None:
        """A sweep had answers about these names, all of them changed."""
        self.announcer.tell_sweep(ids, "com", np.ones(len(ids), np.bool_), NOW)

    def post(self) -> list[str]:
        """The names whose results become deliveries now; they are durable at once."""
        self.announcer.flush_pending(NOW)
        changes = self.domains.journal.begin_transaction(NOW)
        self.domains.journal.end_transaction()
        return [row.domain for row in changes.deliveries] if changes is not None else []


def test_a_result_that_was_not_posted_yet_is_replaced_by_the_newer_one_and_counted() -> None:
    """One is pending for each name, whatever the number of sweeps."""
    outbox = Outbox(100)
    outbox.sweep(np.arange(100))

    assert ["results_coalesced", {}, 100.0] in outbox.telemetry.metrics.snapshot()["counters"]
    assert len(outbox.post()) == 100
    assert outbox.post() == []


def test_every_name_has_its_turn_before_any_has_a_second() -> None:
    """Names at the front that are swept again do not delay those behind them."""
    outbox = Outbox(2500)
    posted: list[str] = []
    for _ in range(3):
        posted += outbox.post()
        outbox.sweep(np.arange(500))

    assert len(posted) == 2500
    assert len(set(posted)) == 2500


def test_where_results_are_not_wanted_any_more_none_is_posted() -> None:
    """Those that an earlier run left pending stay so."""
    outbox = Outbox(10, results="none")
    outbox.domains.table.pending[:10] = 1

    assert outbox.post() == []
    assert outbox.domains.table.pending[:10].all()
