"""The inputs of `Coordinator.handle`: everything that can happen to the coordinator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from common.core.domains.journal import SpoolState
from common.core.model.records import DeliveryRow, HandedOver
from common.core.model.stored_state import StoredState
from common.core.registries.directory import Directory
from common.core.telemetry.metrics import Metrics
from common.core.watchlist.list_diff import ListChunk, ListSummary
from common.messages import Upward


@dataclass(frozen=True, slots=True)
class MessageArrived:
    """A message arrived in the inbox; `mark` stands for the CURVE key it came with, "" for our own or none."""

    message: Upward
    mark: str = ""


@dataclass(frozen=True, slots=True)
class WorkerLeft:
    """A worker's subscription ended."""

    worker: str
    boot: str


@dataclass(frozen=True, slots=True)
class SendFailed:
    """A message could not be handed to the socket of its worker; its attempts never left."""

    attempts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Restored:
    """The store was read: the first input, if there is a store."""

    state: StoredState


class Measure(StrEnum):
    """How a measurement is kept."""

    COUNT = "count"
    TIMER = "timer"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True)
class Measured:
    """The host measured its own work: `value` is a count, seconds for a timer, or the value of a gauge."""

    kind: Measure
    name: str
    value: float = 1.0
    labels: Mapping[str, str] = field(default_factory=dict)

    def add_to(self, metrics: Metrics) -> None:
        """Keep the measurement."""
        match self.kind:
            case Measure.COUNT:
                metrics.count(self.name, self.value, **self.labels)
            case Measure.TIMER:
                metrics.observe(self.name, self.value, **self.labels)
            case Measure.GAUGE:
                metrics.gauge(self.name, self.value, **self.labels)


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed."""


@dataclass(frozen=True, slots=True)
class Committed:
    """The last Commit is durable."""


@dataclass(frozen=True, slots=True)
class CommitDelayed:
    """The last Commit could not be written yet, and is tried again. `away`: the server of the database cannot be reached."""

    reason: str
    away: bool = False


@dataclass(frozen=True, slots=True)
class StoreSpooled:
    """Transactions count as written that wait in a file while the server of the database is away; None: none waits any more."""

    spool: SpoolState | None


@dataclass(frozen=True, slots=True)
class RowsHandedOver:
    """What another instance recorded while the database was away: it is recorded here, and told unless it was."""

    rows: HandedOver


@dataclass(frozen=True, slots=True)
class ListRead:
    """The domain list was read and compared with what is watched; the answer is TakeList or LeaveList."""

    head: ListSummary
    source: str


@dataclass(frozen=True, slots=True)
class ListSame:
    """The domain list was read and is unchanged."""

    source: str


@dataclass(frozen=True, slots=True)
class ListChunkRead:
    """A chunk of the difference; comes between TakeList and ListEnd."""

    part: ListChunk


@dataclass(frozen=True, slots=True)
class ListEnd:
    """That was the whole difference."""


@dataclass(frozen=True, slots=True)
class ListFailed:
    """The domain list could not be read; the text names the cause."""

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class DirectoryChanged:
    """A newer table of RDAP and WHOIS servers."""

    directory: Directory


@dataclass(frozen=True, slots=True)
class DeliveryFetched:
    """A delivery that is to be sent again, as the store holds it."""

    row: DeliveryRow


@dataclass(frozen=True, slots=True)
class Draining:
    """The coordinator is about to stop: hand out nothing more."""


@dataclass(frozen=True, slots=True)
class DetailsFetched:
    """What the store holds about the names `ids`: encoded details by id; a name without one is missing."""

    ids: tuple[int, ...]
    details: dict[int, bytes]


Input = (
    Restored | Measured | MessageArrived | WorkerLeft | SendFailed | Tick | Committed | CommitDelayed | StoreSpooled
    | ListRead | ListSame | ListChunkRead | ListEnd | ListFailed | DirectoryChanged
    | DeliveryFetched | DetailsFetched | Draining | RowsHandedOver
)  # fmt: skip
