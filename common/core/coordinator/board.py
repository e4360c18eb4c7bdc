"""Everything the coordinator holds in memory, in one place: the modules beside this one read and change it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from common.core.audit.accuracy import Accuracy
from common.core.builtin.suffix_rules import rules_for
from common.core.channels import ChannelHealth, Channels
from common.core.checks.admission import Wants
from common.core.checks.escalation import POOL_OF
from common.core.coordinator.inputs import Command, Publish, PublishMany, Say
from common.core.domains.backlog import Backlog
from common.core.domains.working_set import Book
from common.core.model.entry import Entry
from common.core.model.records import Changes, Detail
from common.core.outbox.deliveries import Deliveries
from common.core.rate_limits.budgets import Budgets
from common.core.rate_limits.query_queue import Queue
from common.core.registries.directory import Directory
from common.core.registries.operators import Limit, limit_for
from common.core.registries.referrals import Referrals
from common.core.schedule.cadence import Cadence
from common.core.sweeps.sweep_queues import Lines
from common.core.telemetry.log_summary import Chatter
from common.core.telemetry.metrics import Metrics
from common.core.telemetry.problems import ProblemLog
from common.core.telemetry.reach import Reach
from common.core.trust.canary_gaps import Gaps
from common.core.trust.server_trust import Key, Trust
from common.core.watchlist.list_diff import ListSummary
from common.core.workers.leases import Suspicion, Workers

#: Seconds after its visit for which a name waits for a canary at most: the next visit asks for another one.
WAIT = 900.0
#: Canaries remembered as gone; the oldest are given another chance.
MOST_RETIRED = 1000
#: Names inside windows that share a pace: the number of their suffix, whether the registry is asked and not the zone, and
#: whether they may drop about now.
Polled = tuple[int, bool, bool]


def host_of(server: str) -> str:
    """The host a server is known by in budgets and trust: of a base URL its host, of host:port the host."""
    if "//" in server:
        return urlsplit(server).hostname or server
    return server.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings that the core needs, and what its host provides.

    `encode` turns a detail or a ledger entry into bytes, `decode` bytes of the store into a detail, an empty one where they
    cannot be read.
    """

    cadence: Cadence
    instance: str
    iana_host: str
    encode: Callable[[Struct], bytes]
    decode: Callable[[bytes], Detail]
    suffix_of: Callable[[str], str | None]
    callbacks: bool = False  # whether there is a URL to post to
    callback_results: str = "all"
    recursive_dns: bool = False  # answers come through a resolver, whoever serves the suffix
    limits: Mapping[str, Limit] = field(default_factory=dict)
    canaries: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()  # what is not configured, one sentence each
    pools: tuple[str, ...] = ("fast", "intermediate", "deep")  # of which this instance starts workers


@dataclass(slots=True)
class Board:
    """The coordinator's memory."""

    policy: Policy
    rng: Random
    directory: Directory
    workers: Workers
    deliveries: Deliveries
    metrics: Metrics
    started: float
    book: Book = field(default_factory=Book)
    lines: Lines = field(default_factory=Lines)
    wants: Wants = field(default_factory=Wants)
    backlog: Backlog = field(default_factory=Backlog)
    queue: Queue = field(default_factory=Queue)
    budgets: Budgets = field(default_factory=Budgets)
    trust: Trust = field(default_factory=Trust)
    channels: Channels = field(default_factory=Channels)
    suspicion: Suspicion = field(default_factory=Suspicion)
    commands: list[Command] = field(default_factory=list)
    changes: Changes = field(default_factory=Changes)  # events, deliveries and the rest of the next transaction
    changed: dict[str, Entry] = field(default_factory=dict)  # rows for the next transaction
    touched: dict[str, Entry] = field(default_factory=dict)  # rows where only times changed: written now and then
    next_seq: int = 1
    feed_seq: int = 0
    widths: dict[str, int] = field(default_factory=dict)  # suffix -> addresses that serve it
    wildcards: dict[str, bool] = field(default_factory=dict)  # suffix -> answers for names nobody registered
    wildcard_asked: dict[str, float] = field(default_factory=dict)
    waiting: dict[Key, dict[str, float]] = field(default_factory=dict)  # names whose alarm waits for a canary; their visits
    gaps: Gaps = field(default_factory=Gaps)
    accuracy: Accuracy = field(default_factory=Accuracy)
    chatter: Chatter = field(default_factory=Chatter)
    probing: dict[Key, int] = field(default_factory=dict)  # canaries on their way, per server
    referrals: Referrals = field(default_factory=Referrals)
    doubts: dict[str, tuple[float, frozenset[Key]]] = field(default_factory=dict)  # canaries denied: when, by whom
    probe_after: dict[str, float] = field(default_factory=dict)  # operator -> when its channels may be asked whether they speak
    lookouts: dict[Key, float] = field(default_factory=dict)  # when a server was asked about a random name out of suspicion
    retired: dict[str, None] = field(default_factory=dict)  # canaries that turned out to be gone, in that order
    witnesses: dict[str, dict[str, float]] = field(default_factory=dict)  # suffix -> names lately found registered
    aside: dict[str, Entry] = field(default_factory=dict)  # names that killed a worker on their own
    list_state: dict[str, Any] = field(default_factory=dict)
    servers: dict[tuple[str, str], str | None] = field(default_factory=dict)  # (method, suffix) -> whom to ask, as worked out
    limits: dict[tuple[str, str], Limit] = field(default_factory=dict)  # (method, server) -> the budget, as worked out
    stretch: dict[Polled, float] = field(default_factory=dict)  # how many times rarer looks inside windows are, see `polls`
    stretched_at: float = 0.0  # when that was worked out
    owed_from: int = 0  # where among the names the search for owed results goes on
    list_head: ListSummary | None = None  # of the list that is being taken over
    by_state: dict[str, int] = field(default_factory=dict)
    stopping: bool = False
    reach: Reach = field(default_factory=Reach)
    problems: ProblemLog = field(default_factory=ProblemLog)
    unwritable: str = ""  # why the last transaction could not be written yet, and is tried again
    writing_since: float | None = None  # when the transaction under way was handed over, in epoch seconds

    def limit(self, method: str, server: str, suffix: str) -> Limit:
        """The budget a question is paid from; for DNS it grows with the number of addresses that serve the suffix."""
        if method != "dns":
            key = (method, server)
            if key not in self.limits:
                self.limits[key] = limit_for(method, server, self.policy.limits)
            return self.limits[key]
        limit = limit_for("dns", "resolver" if self.policy.recursive_dns else suffix, self.policy.limits)
        width = self.width(suffix)
        return Limit(limit.operator, limit.rate * width, limit.burst * width, limit.per_day, width)

    def width(self, suffix: str) -> int:
        """How many addresses serve a suffix; before the first answer a cautious guess."""
        return self.widths.get(suffix, 4)

    def server(self, method: str, suffix: str) -> str | None:
        """What to ask for this suffix: a base URL, a host, "" where the checker finds it; None where nobody may be asked."""
        key = (method, suffix)
        if key not in self.servers:
            self.servers[key] = self._server(method, suffix)
        return self.servers[key]

    def pace(self, method: str, suffix: str, now: float) -> float:
        """How many questions a second the server of a suffix can be asked from the best egress; 0 while that is shut."""
        server = self.server(method, suffix)
        if server is None:
            return 0.0
        limit = self.limit(method, host_of(server), suffix)
        egresses = self.workers.offering(POOL_OF[method], method, now)
        return max((self.budgets.pace(limit, egress, now) for egress in egresses), default=0.0)

    def has_token(self, method: str, suffix: str, now: float) -> bool:
        """Whether the server of a suffix could be asked this moment, from any egress."""
        server = self.server(method, suffix)
        if server is None:
            return False
        limit = self.limit(method, host_of(server) or suffix, suffix)
        egresses = self.workers.offering(POOL_OF[method], method, now)
        return any(self.budgets.available(limit, egress, now) > 0 for egress in egresses)

    def rate(self, method: str, limit: Limit, now: float) -> float:
        """How many questions a second an operator takes as learned, from the best egress, whether or not it is shut now."""
        egresses = self.workers.offering(POOL_OF[method], method, now)
        return max((self.budgets.rate(limit, egress, now) for egress in egresses), default=0.0)

    def dead(self, key: Key, now: float) -> bool:
        """Whether a channel is known to be dead: it answers nothing that proves anything, or its operator keeps us out."""
        method, _, suffix = key
        return self.channels.dead(key, now, shut=self.channels.health(key).silent > 0 and self.pace(method, suffix, now) <= 0)

    def silent_channels(self) -> list[tuple[Key, ChannelHealth]]:
        """The channels in use whose last answers proved nothing, the longest silent first."""
        return [(key, row) for key, row in self.channels.silent() if self._in_use(key)]

    def learn_referral(self, suffix: str, host: str, now: float) -> None:
        """Take over the WHOIS server that IANA names for a suffix."""
        self.directory.learn_whois(suffix, host)
        self.referrals.note_server(suffix, host, now)
        self.know(self.directory)

    def recall_referrals(self, text: str) -> None:
        """Take over what IANA said before a restart, as `Referrals.saved` wrote it."""
        self.referrals = Referrals.from_json(text, self.started)
        for suffix, host in self.referrals.named_servers():
            self.directory.learn_whois(suffix, host)
        self.know(self.directory)

    def know(self, directory: Directory) -> None:
        """Something about who speaks for a suffix is new."""
        self.directory = directory
        self.servers.clear()

    def _in_use(self, key: Key) -> bool:
        """Whether a channel would be asked today: a server that another one took over from stays as silent as it was."""
        method, host, suffix = key
        server = self.server(method, suffix)
        return server is not None and (host_of(server) or suffix) == host

    def _server(self, method: str, suffix: str) -> str | None:
        if method == "rdap":
            rdap = self.directory.rdap_server(suffix)
            server = rdap.base if rdap is not None else None
        elif method == "whois":
            server = self.directory.whois_server(suffix)
        else:
            return ""
        if server is None or self.limit(method, host_of(server), suffix).rate <= 0:
            return None
        return server

    def retire(self, canary: str) -> None:
        """A canary turned out to be gone."""
        self.retired[canary] = None
        if len(self.retired) > MOST_RETIRED:
            del self.retired[next(iter(self.retired))]

    def forget(self, now: float) -> None:
        """Let go of what is over: names that are no longer put aside, and names whose canary never answered."""
        self.aside = {name: entry for name, entry in self.aside.items() if entry.aside_until > now}
        for key, names in list(self.waiting.items()):
            entries = {name: self.book.entry(name) for name in names}
            left = {name for name, entry in entries.items() if entry is not None and self._waits(entry, key, now)}
            self.waiting[key] = {name: since for name, since in names.items() if name in left}
            if not left:
                del self.waiting[key]

    @staticmethod
    def _waits(entry: Entry, key: Key, now: float) -> bool:
        """Whether a name still waits for a canary: one that is on its way, be its operator ever so slow, or one of late."""
        return key in entry.awaited or now - (entry.checked_at or 0.0) <= WAIT

    def wildcard(self, suffix: str) -> bool:
        """Whether DNS answers for names nobody registered: as measured, else as known."""
        return self.wildcards.get(suffix, rules_for(suffix).wildcard_known)

    def unwritten(self, entry: Entry) -> bool:
        """Whether something about a name is still to be written."""
        return entry.name in self.changed or entry.name in self.touched

    def say(self, level: str, event: str, **fields: Any) -> None:
        """Plan one log line."""
        self.commands.append(Say(level, event, fields))

    def complain(self, level: str, event: str, about: str, now: float, **fields: Any) -> None:
        """Plan one log line about something that a fault may repeat: the first is written, the others are counted."""
        if self.chatter.says(level, event, about, now):
            self.say(level, event, **fields)

    def sum_up(self, now: float) -> None:
        """Plan the lines of a minute: what was done, and how often complaints came again."""
        for level, event, fields in self.chatter.over(now):
            self.say(level, event, **fields)
        done = self.chatter.summary(self.metrics, now)
        if done is not None:
            self.say("info", "work_done", **done)

    def publish(self, topic: str, kind: str, now: float, build: Callable[[], dict[str, Any]], seq: int | None = None) -> None:
        """Plan one feed map; what nobody subscribed to is never built."""
        if seq is None:
            self.feed_seq += 1
            seq = self.feed_seq
        head = {"v": 1, "seq": seq, "type": kind, "ts": now, "instance": self.policy.instance}
        self.commands.append(Publish(topic, lambda: {**head, **build()}))

    def publish_many(
        self, prefix: str, kind: str, now: float, count: int, build: Callable[[], Iterable[tuple[str, dict[str, Any]]]]
    ) -> None:
        """Plan `count` feed maps below one prefix, each with its topic; without a subscriber none is built."""
        first, self.feed_seq = self.feed_seq + 1, self.feed_seq + count

        def whole() -> Iterable[tuple[str, dict[str, Any]]]:
            for seq, (topic, content) in enumerate(build(), first):
                yield topic, {"v": 1, "seq": seq, "type": kind, "ts": now, "instance": self.policy.instance, **content}

        self.commands.append(PublishMany(prefix, whole))

    def count_state(self, before: str | None, after: str | None, names: int = 1) -> None:
        """Keep the number of watched names per state."""
        if before is not None:
            self.by_state[before] = self.by_state.get(before, 0) - names
        if after is not None:
            self.by_state[after] = self.by_state.get(after, 0) + names
