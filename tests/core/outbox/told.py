"""An announcer on its own doors, and what it told."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from common.codec import encode
from common.core.domains.domains import Domains
from common.core.model.effects import Effects, Publish, PublishMany
from common.core.model.entry import Entry
from common.core.model.evidence import Fields, Observation, Outcome, Phase, Reading
from common.core.model.ids import Ids
from common.core.model.records import Changes, Detail
from common.core.model.states import State
from common.core.model.verdict import Verdict
from common.core.outbox.announcer import Announcer
from common.core.outbox.deliveries import Deliveries
from common.core.outbox.feed_publisher import FeedPublisher
from common.core.schedule.cadence import Cadence
from common.core.telemetry.telemetry import Telemetry

NOW = 1_790_000_000.0  # 2026-09-21T14:13:20Z
CONFIRMED = "not registered, confirmed in separate passes by independent sources"


class Outbox:
    """The announcer with what it needs: names of .com, deliveries, a feed and telemetry."""

    def __init__(self, *, callbacks: bool = True, results: str = "all", names: int = 1) -> None:
        self.effects = Effects()
        self.telemetry = Telemetry(self.effects, NOW)
        self.domains = Domains(Cadence(600.0, 60.0, 30.0, 2.0), encode, NOW)
        self.deliveries = Deliveries()
        feed = FeedPublisher(self.effects, "test")
        self.announcer = Announcer(self.domains, self.deliveries, feed, self.telemetry, callbacks=callbacks, results=results)
        listed = [f"n{number}.com" for number in range(names)]
        self.ids: Ids = self.domains.table.add_names(listed, ["com"] * names)

    def load_name(self, state: State = State.UNKNOWN) -> Entry:
        """The first name, loaded, in a state since an hour ago."""
        entry = self.domains.load_name(0, Detail(), NOW)
        entry.state, entry.since, entry.watched = state, NOW - 3600.0, True
        self.domains.count_state(None, state)
        return entry

    def tell(self, entry: Entry, state: State, now: float = NOW, reason: str = "a reason") -> str | None:
        """Take a verdict over; the kind of its event."""
        return self.announcer.apply_verdict(entry, Verdict(state, 0.9, 0.99, 0.97, reason), now)

    def take_transaction(self) -> Changes:
        """What the next transaction writes."""
        changes = self.domains.journal.begin_transaction(NOW) or Changes()
        self.domains.journal.end_transaction()
        return changes

    def take_maps(self) -> list[tuple[str, dict[str, Any]]]:
        """Topics and maps that were published."""
        found: list[tuple[str, dict[str, Any]]] = []
        for effect in self.effects.take_planned():
            if isinstance(effect, Publish):
                found.append((effect.topic, effect.build()))
            elif isinstance(effect, PublishMany):
                found.extend(effect.build())
        return found

    def note_looks(self, code: int, *ids: int) -> None:
        """A sweep found this of names."""
        chosen = np.array(ids, np.int64)
        codes, addresses = np.full(len(ids), code, np.uint8), np.zeros(len(ids), np.uint16)
        self.domains.table.note_look(chosen, codes, addresses, 7, NOW)

    def pending_ids(self) -> list[int]:
        """The names with a result that is pending."""
        return np.flatnonzero(self.domains.table.pending[: len(self.domains.table)]).tolist()


def answer(outcome: Outcome, method: str = "rdap", **fields: Any) -> Observation:
    """An answer of a server that took 12.345 ms."""
    reading = Reading(
        outcome, f"{method}_x", "so it says", Phase.ACTIVE if outcome is Outcome.REGISTERED else None, Fields(**fields)
    )
    return Observation(method, reading, server=f"{method}.com.test", duration_ms=12.345)


def body_of(changes: Changes) -> dict[str, Any]:
    """The body of the one event."""
    (event,) = changes.events
    body: dict[str, Any] = json.loads(event.body)
    return body
