"""A control process in the test's loop: real HTTP on port 0, a reader over lists, a recording coordinator, a clock to turn."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp

from actors.control import app
from actors.control.context import Control
from actors.control.http_server import Listener
from actors.control.store_readers import StoreReaders
from common import codec, config, heartbeat, leader_file
from common.core.domains.last_look import LastLook
from common.core.model.evidence import Fields, Observation, Outcome, Reading
from common.core.model.records import DeliveryRow, Detail, DomainRow, EventRow, Evidence, LedgerRow, ProblemRow
from common.errors import StoreAway, StoreError
from common.peers import Address, Peers
from common.store.lease_contract import Leader
from common.store.member_contract import Roster
from common.store.store_contract import DomainRecord, DropQuery, FoundName, Page
from common.suffixes import load_suffixes

NOW = 1_800_000_000.0
#: An address of this machine's that counts as another machine, and one that counts as the network's gateway.
ELSEWHERE, GATEWAY = "127.0.0.5", "127.0.0.6"
GROUPS = ("coordinator", "control", "feed", "checker-fast-0", "checker-intermediate-0", "checker-deep-0", "notifier-0")


def only_one_loopback(address: Address) -> bool:
    """Whether an address is 127.0.0.1, all that this machine has here, so that its other addresses can play other machines."""
    return str(address) == "127.0.0.1"


def peers() -> Peers:
    """Callers as they look to a machine that is 127.0.0.1 and trusts its gateway."""
    return Peers(lambda: 0.0, lambda: frozenset({ipaddress.ip_address(GATEWAY)}), only_one_loopback)


def from_address(address: str) -> aiohttp.ClientSession:
    """A client that calls from an address of its own."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(local_addr=(address, 0)))


def domain_row(name: str = "example.com", **changes: Any) -> DomainRow:
    """A name in pending delete with one answer as evidence."""
    reading = Reading(
        Outcome.REGISTERED, "rdap_200_match", "the registry has a record", fields=Fields(registrar="Some Registrar")
    )
    observation = Observation(
        "rdap", reading, server="rdap.example", address="192.0.2.1:443", duration_ms=12.5, status=200, excerpt="<b>raw</b>"
    )
    detail = Detail(
        evidence={"rdap": Evidence(observation, NOW - 60, NOW - 600)},
        fields=Fields(registrar="Some Registrar", statuses=("pending delete",)),
        reason="The registry says pending delete.",
        gates=("a second positive is missing",),
        forecast_reason="five days after pending delete began",
    )
    row = DomainRow(
        id=0,
        name=name,
        suffix=name.partition(".")[2],
        watched=True,
        priority=True,
        state="PENDING_DELETE",
        since=NOW - 3600,
        confidence=0.02,
        generation=1,
        checked_at=NOW - 60,
        next_check=NOW + 30,
        drop_earliest=NOW + 3600,
        drop_likely=NOW + 7200,
        drop_latest=NOW + 9000,
        drop_p=0.9,
        registry_due=NOW + 1800,
        close=True,
        detail=codec.encode(detail),
    )
    for key, value in changes.items():
        setattr(row, key, value)
    return row


def event_row(seq: int, domain: str = "example.com", kind: str = "pending_delete") -> EventRow:
    """One event."""
    return EventRow(
        seq, f"id-{seq}", domain, 1, kind, NOW + seq, b'{"domain":"%s","status":"%s"}' % (domain.encode(), kind.encode())
    )


class FakeReader:
    """The store's reader over lists; `broken` and `away` make every call fail, `no_events` those for events."""

    engine = "lists"

    def __init__(self) -> None:
        self.rows: list[DomainRow] = []
        self.looks: dict[str, LastLook] = {}
        self.timed_out: set[str] = set()  # names that their last sweep heard nothing of
        self.log: list[EventRow] = []
        self.judgements: list[LedgerRow] = []
        self.callbacks: list[DeliveryRow] = []
        self.entries: list[ProblemRow] = []
        self.noted: dict[str, str] = {}
        self.roster = Roster()
        self.broken = False
        self.away = False
        self.no_events = False
        self.closed = 0
        self.asked: list[dict[str, Any]] = []

    def _look(self) -> None:
        if self.broken:
            raise StoreError("the state is damaged")
        if self.away:
            raise StoreAway("the server cannot be reached")

    def _found(self, row: DomainRow) -> FoundName:
        return FoundName(row, self.looks.get(row.name), row.name in self.timed_out)

    def domain(self, name: str) -> FoundName | None:
        """One name."""
        self._look()
        return next((self._found(row) for row in self.rows if row.name == name), None)

    def domains(self, **wanted: Any) -> Page[FoundName]:
        """Names by state only; everything asked for is remembered."""
        self._look()
        self.asked.append(wanted)
        start = int(wanted["cursor"] or 0)
        rows = [row for row in self.rows if wanted["state"] in {None, row.state}]
        end = start + wanted["limit"]
        return Page([self._found(row) for row in rows[start:end]], str(end) if end < len(rows) else None)

    def count_by_state(self) -> dict[str, int]:
        """How many names per state."""
        self._look()
        states = [row.state for row in self.rows]
        return {state: states.count(state) for state in states}

    def events(self, after: int = 0, limit: int = 100) -> list[EventRow]:
        """Later events."""
        self._look()
        if self.no_events:
            raise StoreError("the events are damaged")
        return [row for row in self.log if row.seq > after][:limit]

    def domain_record(self, name: str, events: int = 100) -> DomainRecord | None:
        """One name with its events and ledger entries, newest first."""
        found = self.domain(name)
        if found is None:
            return None
        history = [row for row in reversed(self.log) if row.domain == name][:events]
        entries = [row for row in reversed(self.judgements) if row.domain == name]
        since = found.row.since
        before = [row for row in entries if since is not None and row.at <= since]
        return DomainRecord(found, history, next(iter(entries), None), next(iter(before), None))

    def drops(self, wanted: DropQuery, *, cursor: str | None = None, limit: int = 100) -> Page[FoundName]:
        """Names by likely drop."""
        rows = sorted(self._dropping(wanted), key=lambda row: (row.drop_likely, row.name))
        after = (wanted.start, "") if cursor is None else (float(cursor.partition("|")[0]), cursor.partition("|")[2])
        rows = [row for row in rows if (row.drop_likely or 0.0, row.name) > after]
        last = rows[limit - 1] if len(rows) > limit else None
        return Page([self._found(row) for row in rows[:limit]], f"{last.drop_likely}|{last.name}" if last else None)

    def drops_count(self, wanted: DropQuery) -> int:
        """How many they are."""
        return len(self._dropping(wanted))

    def _dropping(self, wanted: DropQuery) -> list[DomainRow]:
        self._look()
        self.asked.append(wanted._asdict())
        rows = [row for row in self.rows if row.drop_likely is not None and wanted.start <= row.drop_likely < wanted.end]
        rows = [row for row in rows if max(row.drop_likely or 0.0, row.drop_latest or 0.0) >= wanted.open_at]
        return [row for row in rows if wanted.state in {None, row.state} and wanted.priority in {None, row.priority}]

    def deliveries(self, *, state: str | None = None, cursor: str | None = None, limit: int = 100) -> Page[DeliveryRow]:
        """Callbacks, one page."""
        self._look()
        assert cursor is None
        return Page([row for row in self.callbacks if state in {None, row.state}][:limit])

    def delivery(self, delivery_id: str) -> DeliveryRow | None:
        """One callback."""
        self._look()
        return next((row for row in self.callbacks if row.id == delivery_id), None)

    def problems(self, *, limit: int = 100, cursor: str | None = None) -> Page[ProblemRow]:
        """Entries that cannot be monitored."""
        self._look()
        assert cursor is None
        return Page(self.entries[:limit])

    def meta(self, key: str) -> str | None:
        """A text that the coordinator keeps beside the rows."""
        self._look()
        return self.noted.get(key)

    def members(self) -> Roster:
        """The instances that announced themselves."""
        self._look()
        return self.roster

    def last_seq(self) -> int:
        """The newest sequence."""
        self._look()
        return self.log[-1].seq if self.log else 0

    def close(self) -> None:
        """Count it."""
        self.closed += 1


class Coordinator:
    """Takes commands while it is there."""

    def __init__(self) -> None:
        self.there = True
        self.absent: set[int] = set()  # shards whose coordinator is not there
        self.sent: list[tuple[str, str, int]] = []

    @property
    def taken(self) -> list[tuple[str, str]]:
        """The commands, whatever the shard."""
        return [(verb, target) for verb, target, _ in self.sent]

    def send(self, message: Any, shard: int) -> bool:
        """Remember a command, and to which shard it went."""
        there = self.there and shard not in self.absent
        if there:
            self.sent.append((message.verb, message.target, shard))
        return there


class Clock:
    """Stands still until it is turned."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> float:
        """Seconds."""
        return self.at


class Lab:
    """One control process and everything around it."""

    def __init__(self, state_dir: Path, peers: Peers | None = None, **environ: str) -> None:
        self.settings = config.load({"STATE_DIR": str(state_dir), "INSTANCE_ID": "here", **environ})
        self.reader = FakeReader()
        self.missing = False
        self.opens: Callable[[], Any] = lambda: self.reader
        self.coordinator = Coordinator()
        self.clock = Clock()
        heartbeat.heartbeat_directory(self.settings.instance_dir).mkdir(parents=True, exist_ok=True)
        self.lead("here")
        self.control = Control(
            self.settings,
            StoreReaders(self._open),
            self.coordinator,
            load_suffixes(),
            self.clock,
            self.clock,  # type: ignore[arg-type]
            peers=peers,
        )
        self.limits: dict[str, Any] = {}
        self.socket: Path | None = None  # for the proxy
        self.url = ""
        self.http: aiohttp.ClientSession

    def _open(self) -> Any:
        if self.missing:
            raise StoreError("it is not there yet")
        return self.opens()

    def beat(self, process: str, **changes: Any) -> None:
        """Write one heartbeat."""
        row = {"process": process, "actor": process.partition("-")[0], "pid": 7, "boot": "b", "at": self.clock.at}
        row |= {"started_at": NOW, "restarts": 2, "instance": "here", **changes}
        heartbeat.write_heartbeat(self.settings.instance_dir, heartbeat.Heartbeat(**row))
        os.utime(self.settings.instance_dir, (self.clock.at, self.clock.at))

    def lead(self, instance: str, epoch: int = 1) -> None:
        """The coordinator of this instance has learned that `instance` leads."""
        leader_file.write_leader(self.settings.instance_dir, Leader(instance, "b", epoch, "ipc:///bus", "ipc:///feed"))
        os.utime(self.settings.instance_dir / "leader.json", (self.clock.at, self.clock.at))

    def all_beat(self) -> None:
        """Every process is alive, and the coordinator speaks."""
        for process in GROUPS:
            self.beat(process)
        self.speak()

    def speak(self, **status: Any) -> None:
        """The coordinator's status arrives."""
        content = {
            "ready": True,
            "missing": [],
            "domains": {"total": 2, "by_state": {"REGISTERED": 2}, "problems": 0},
            **status,
        }
        self.control.live.take_message("system.coordinator.here", {"v": 1, "seq": 1, "status": content})

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        """Status and JSON."""
        async with self.http.get(
            self.url + path, headers={name.replace("_", "-"): text for name, text in headers.items()}
        ) as answer:
            return answer.status, await answer.json(content_type=None)

    async def post(self, path: str, data: bytes | None = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        async with self.http.post(self.url + path, data=data, headers=named) as answer:
            return answer.status, await answer.json(content_type=None)


@contextlib.asynccontextmanager
async def serving(lab: Lab) -> AsyncIterator[Lab]:
    """The lab's control process, listening."""
    listener = Listener(app.build_app(lab.control), **lab.limits)
    port = await listener.start("127.0.0.1", 0, lab.socket)
    lab.url = f"http://127.0.0.1:{port}"
    follower = asyncio.create_task(lab.control.live.relay_events())
    async with aiohttp.ClientSession() as lab.http:
        try:
            yield lab
        finally:
            lab.control.live.close()
            follower.cancel()
            await lab.http.close()
            await listener.stop()
            await lab.control.store.close()
