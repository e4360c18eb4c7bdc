"""A long list in its steady state: millions of known names in the real columns, the built-in budgets, and honest registries.

Where the other worlds have a truth for each name, this one works it out from the name's id, so that a name costs its columns
alone. Questions are counted by operator, commits by rows and bytes; `cpu` is what the core used.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from common.codec import encode
from common.core.coordinator.inputs import Committed, DetailsFetched, Input, MessageArrived, Restored, Tick
from common.core.domains.last_look import BLOCK, SIZE
from common.core.domains.last_look_array import RECORD
from common.core.model.columns import CodedTexts, NameColumns
from common.core.model.effects import Effect, Publish, PublishMany
from common.core.model.evidence import Fields, Observation, Outcome, Phase, Reading, unknown_reading
from common.core.model.limit import Limit
from common.core.model.methods import RECORD_METHODS
from common.core.model.records import Changes, Detail, Evidence
from common.core.model.states import State
from common.core.model.stored_state import StoredState
from common.core.parsers.dns_fast import DELEGATED
from common.core.registries.directory import Directory, host_of
from common.core.schedule.registry_pace import IN_ZONE
from common.messages import Sweep, SweepResult, Task
from tests.sim.truth import Name
from tests.sim.worker import SimWorker
from tests.sim.world import START, World

DAY, YEAR = 86_400.0, 365 * 86_400.0
#: Names in one batch of columns.
BATCH = 1 << 16
#: Inconclusive checks in a row of names out of the zone at the start: where a registry is asked too much, most are.
TRIED = 9
#: Seconds until a sweep, and a single query, is answered.
SWEEP_TAKES, QUERY_TAKES = 1.0, 0.1
_REASONS = {"rdap": "rdap_200_match", "whois": "whois_registered"}


@dataclass(frozen=True, slots=True)
class Part:
    """The names of one suffix: how many, how many of them are in redemption and so not in the zone, and its zone's addresses.

    `dated`: whether its registry shows expiry dates.
    """

    suffix: str
    names: int
    gone: int = 0
    addresses: int = 4
    dated: bool = True


class LongList(World):
    """See the module. `limits`: the budgets, None for the built-in ones. The names come from the store, and all are known."""

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        seed: int = 1,
        interval: float = 3600.0,
        limits: Mapping[str, Limit] | None = None,
        results: str = "none",
        sweeps: int = 4,
    ) -> None:
        self.parts = {part.suffix: part for part in parts}
        self.cpu = 0.0  # seconds of the core
        self.questions: Counter[str] = Counter()  # by operator; a name in a sweep is one
        self.sweeps = self.swept_names = self.wakes = 0
        self.commits: Counter[str] = Counter()  # transactions, rows, row_bytes, blocks, block_bytes, ...
        self._details: dict[int, bytes] = {}  # of the rows that were written since the start
        chance = np.random.default_rng(seed)
        numbers = np.repeat(np.arange(len(parts)), [part.names for part in parts])
        self._suffix = chance.permutation(numbers).astype(np.uint16)
        self._gone = np.zeros(len(numbers), np.bool_)
        for number, part in enumerate(parts):
            self._gone[chance.permutation(np.flatnonzero(self._suffix == number))[: part.gone]] = True
        self._chance = chance
        super().__init__(seed, interval=interval, limits={} if limits is None else limits, sweeps=sweeps, results=results)
        for part in parts:
            self.core.rooms.registries.note_address_count(part.suffix, part.addresses)
        self._between = self._look_intervals()
        self.event(Restored(self._stored()))
        self.core.rooms.domains.table.inconclusive[np.flatnonzero(self._gone)] = TRIED

    def mix_queues(self) -> None:
        """Mix the names that wait for a sweep, as the jitter of their intervals does in a few rounds.

        After a start those that are overdue wait in the order of their ids.
        """
        for _, queue in self.core.rooms.sweep_queues.waiting_queues(urgent=False):
            if queue.ordinary.count:
                ids, times = queue.ordinary.take_ids(queue.ordinary.count)
                order = self._chance.permutation(len(ids))
                queue.ordinary.add_ids(ids[order], times[order], self.now)

    def reset_counts(self) -> None:
        """Count from now on."""
        self.cpu, self.sweeps, self.swept_names, self.wakes = 0.0, 0, 0, 0
        self.questions.clear()
        self.commits.clear()

    def rates(self) -> dict[str, float]:
        """Everything that was counted, by name: questions by operator, and what the core did and used."""
        dns = sum(count for name, count in self.questions.items() if name.startswith("dns/"))
        return {
            **self.questions,
            **self.commits,
            "looks": dns,
            "records": sum(self.questions.values()) - dns,
            "swept": self.swept_names,
            "sweeps": self.sweeps,
            "wakes": self.wakes,
            "core": self.cpu,
        }

    # -- what is known at the start --------------------------------------------------------------------------------------

    def _registries(self) -> tuple[Directory, dict[str, tuple[str, ...]]]:
        """The product's own servers."""
        return Directory(), {suffix: (f"known.{suffix}",) for suffix in self.parts}

    def _stored(self) -> StoredState:
        count = len(self._suffix)
        return StoredState(
            names=self._columns(),
            looks=self._looks(),
            addresses={1: "192.0.2.1:53/udp"},
            next_seq=1,
            trust=[],
            deliveries=iter(()),
            meta={},
            problems=[],
            next_id=count,
        )

    def _columns(self) -> Iterator[NameColumns]:
        suffixes, states = list(self.parts), [State.REGISTERED.value, State.REDEMPTION.value]
        for ids in self._batches():
            codes, gone = self._suffix[ids].astype(np.int64), self._gone[ids]
            nothing = np.full(len(ids), np.nan)
            yield NameColumns(
                ids=ids,
                names=[name_of(number, suffixes[code]) for number, code in zip(ids.tolist(), codes.tolist(), strict=True)],
                suffixes=CodedTexts(suffixes, codes),
                flags=np.where(gone, 1 | 4 | 8, 1 | 8),
                states=CodedTexts(states, gone.astype(np.int64)),
                since=np.full(len(ids), START - 20 * DAY),
                confidence=np.full(len(ids), 0.99),
                generation=np.ones(len(ids), np.int64),
                checked_at=np.full(len(ids), START - 1.0),
                next_check=self._due_at(ids),
                drop_earliest=nothing,
                drop_latest=nothing,
                registry_due=self._heard_at(ids) + self._record_interval(ids),
            )

    def _looks(self) -> Iterator[tuple[int, bytes]]:
        """The last look at every name; those of the columns have the due times."""
        for ids in self._batches():
            records = np.zeros(len(ids), RECORD)
            records["checked_at"], records["dns_at"], records["dns_first"] = START - 2.0, START - 2.0, START - YEAR
            records["address"], records["code"] = 1, DELEGATED
            data = records.tobytes()
            for start in range(0, len(ids), BLOCK):
                yield (int(ids[0]) + start) // BLOCK, data[start * SIZE : (start + BLOCK) * SIZE]

    def _batches(self) -> Iterator[np.ndarray[Any, np.dtype[np.int64]]]:
        count = len(self._suffix)
        for start in range(0, count, BATCH):
            yield np.arange(start, min(start + BATCH, count), dtype=np.int64)

    def _expires(self, ids: Any) -> Any:
        """Expiry dates, spread over a year."""
        return START + YEAR * hashed(ids, 2)

    def _record_interval(self, ids: Any) -> Any:
        """Seconds after which the record of a name is too old, as `lifecycle.registry_due` has it."""
        return np.full(np.shape(ids), IN_ZONE)

    def _look_intervals(self) -> Any:
        """Seconds between two looks at a name of each part: the base interval, or longer where its zone's budget is short."""
        limits = [self.core.rooms.registries.limit_of("dns", suffix, suffix) for suffix in self.parts]
        names: Counter[str] = Counter()
        for limit, part in zip(limits, self.parts.values(), strict=True):
            names[limit.operator] += part.names - part.gone
        return np.array([max(self.policy.cadence.interval, names[limit.operator] / limit.rate) for limit in limits])

    def _next_look(self, ids: Any) -> Any:
        """When names are looked at next, in the order in which they are due; those out of the zone by their own interval."""
        between = np.where(self._gone[ids], self.policy.cadence.interval, self._between[self._suffix[ids]])
        return START + between * hashed(ids)

    def _due_at(self, ids: Any) -> Any:
        """When names are due: where the budget is short, most are so already."""
        between = np.where(self._gone[ids], self.policy.cadence.interval, self._between[self._suffix[ids]])
        return self._next_look(ids) - (between - self.policy.cadence.interval)

    def _heard_at(self, ids: Any) -> Any:
        """When the registry was last asked about a name, so that as many records are due in each minute.

        A record that is due is asked for at the next look, so half of the base interval later on average.
        """
        interval, look = self._record_interval(ids), self._between[self._suffix[ids]]
        return self._next_look(ids) - look + np.maximum(look, interval + look / 2) * hashed(ids, 1) - interval

    # -- what comes and goes ---------------------------------------------------------------------------------------------

    def event(self, event: Input) -> None:
        """Give the core an event, and count its CPU time."""
        began = time.thread_time()
        self.wakes += isinstance(event, Tick)
        effects = self.core.handle(event, self.now)
        for effect in effects:
            if isinstance(effect, Publish):
                effect.build()
        self.cpu += time.thread_time() - began
        for effect in effects:
            self._perform(effect)

    def _tell(self, command: Effect) -> None:
        if not isinstance(command, Publish | PublishMany):  # the feed has no other reader
            super()._tell(command)

    def _commit(self, changes: Changes) -> None:
        counts = self.commits
        counts["transactions"] += 1
        for row in changes.domains:
            self._details[row.id] = row.detail
            counts["rows"] += 1
            counts["row_bytes"] += len(row.detail)
        counts["blocks"] += len(changes.looks)
        counts["block_bytes"] += sum(len(data) for _, data in changes.looks)
        counts["events"] += len(changes.events)
        counts["deliveries"] += len(changes.deliveries)
        counts["ledger"] += len(changes.ledger)
        self.event(Committed())

    def _fetch(self, ids: tuple[int, ...]) -> None:
        self.event(DetailsFetched(ids, {number: self._details.get(number) or encode(self._detail(number)) for number in ids}))

    def _detail(self, number: int) -> Detail:
        """What the store holds of a name that was not written since the start."""
        name = self.core.rooms.domains.table.name_of(number)
        suffix = name.rpartition(".")[2]
        channels = [key for key in self.core.rooms.registries.channels_of(suffix) if key.method in RECORD_METHODS]
        heard, reading = float(self._heard_at(number)), self._record_of("rdap", number)
        seen = {key.method: Observation(key.method, self._record_of(key.method, number), server=key.server) for key in channels}
        since = START - (1.0 + 28.0 * float(hashed(number, 3))) * DAY
        known = channels if self._gone[number] else channels[:1]
        return Detail(
            evidence={key.method: Evidence(seen[key.method], heard, START - YEAR) for key in known},
            fields=reading.fields,
            expires_epoch=float(self._expires(number)) if self.parts[suffix].dated else None,
            phase=(reading.phase or Phase.ACTIVE).value,
            phase_since=since,
            phase_after=since - DAY / 2,
            registered_seen=heard,
            registry_at=heard,
        )

    def _takes(self, item: Any) -> float:
        return SWEEP_TAKES if isinstance(item, Sweep) else QUERY_TAKES

    def _sweep(self, worker: SimWorker, sweep: Sweep) -> None:
        """Every name of a sweep is delegated: those that are not in their zone are checked one by one."""
        worker.sweeping -= 1
        operator = self.core.rooms.registries.limit_of("dns", sweep.suffix, sweep.suffix).operator
        self.questions[operator] += sweep.count
        self.sweeps += 1
        self.swept_names += sweep.count
        answer = SweepResult(
            worker.credit(), sweep.attempt, bytes([DELEGATED]) * sweep.count, bytes(sweep.count), sweep.suffix,
            self.parts[sweep.suffix].addresses, ("192.0.2.1:53/udp",),
        )  # fmt: skip
        self.event(MessageArrived(answer, worker.key))

    def _observe(self, task: Task) -> Observation:
        server = host_of(task.server) if task.server else task.suffix
        registries = self.core.rooms.registries
        if task.method != "http":
            self.questions[registries.limit_of(task.method, server, task.suffix).operator] += 1
        width = self.parts[task.suffix].addresses if task.method == "dns" else None
        return Observation(task.method, self._answer_to(task), server=server, width=width, status=None if width else 200)

    def _answer_to(self, task: Task) -> Reading:
        label = task.domain.partition(".")[0]
        number = int(label[1:], 16) if label[0] == "w" and len(label) == 11 else None
        known = number is not None or isinstance(self.names.get(task.domain), Name)
        gone = number is not None and bool(self._gone[number])
        if task.method == "dns" and known and not gone:
            return Reading(Outcome.REGISTERED, "dns_auth_referral", "delegated")
        if task.method == "dns":
            return Reading(Outcome.UNREGISTERED, "dns_auth_nxdomain", "NXDOMAIN")
        if task.method not in RECORD_METHODS:
            return unknown_reading("http_silent", "no answer")
        if not known:
            return Reading(Outcome.UNREGISTERED, {"rdap": "rdap_404_json", "whois": "whois_free"}[task.method], "not found")
        return self._record_of(task.method, number or 0)

    def _record_of(self, method: str, number: int) -> Reading:
        """What the registry shows of a name."""
        gone, dated = bool(self._gone[number]), list(self.parts.values())[self._suffix[number]].dated
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(float(self._expires(number))))
        fields = Fields(
            created_at="2011-08-14T04:00:00Z",
            expires_at=expires if dated else None,
            registrar="Example Registrar, Inc.",
            statuses=("redemption period",) if gone else ("client transfer prohibited",),
            nameservers=("a.example.net", "b.example.net"),
            handle=f"{number}_DOMAIN",
        )
        phase = Phase.REDEMPTION if gone else Phase.ACTIVE
        return Reading(Outcome.REGISTERED, _REASONS[method], "found", phase, fields)


def name_of(number: int, suffix: str) -> str:
    """The name with this id: eleven characters and its suffix, as long as names are on average."""
    return f"w{number:010x}.{suffix}"


def hashed(ids: Any, turn: int = 0) -> Any:
    """A number in [0, 1) for each id, far apart for neighbours (multiplicative hashing); of each `turn` another one."""
    with np.errstate(over="ignore"):
        mixed = (np.asarray(ids).astype(np.uint64) + np.uint64(1 + turn * 0x5EED_5EED)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
        mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return (mixed >> np.uint64(11)).astype(np.float64) / (1 << 53)
