"""The room of checks on its lower doors, without a coordinator: names, workers and servers at hand, nothing under way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random

import numpy as np

from common.codec import convert, decode_map, encode
from common.core.audit.audit import Audit
from common.core.channels.channels import Channels
from common.core.checks.check_starts import CheckStarts
from common.core.checks.checks import Checks
from common.core.checks.conclude import Conclusions
from common.core.checks.query_answers import QueryAnswers
from common.core.checks.query_dispatch import QueryDispatch
from common.core.checks.query_planner import QueryPlanner
from common.core.checks.unanswered import Unanswered
from common.core.checks.window_pace import WindowPace
from common.core.checks.window_shares import WindowShares
from common.core.domains.domains import Domains
from common.core.model.channel import ChannelKey
from common.core.model.effects import Effect, Effects, Send
from common.core.model.entry import Entry, Rank
from common.core.model.ids import NEVER, Ids
from common.core.model.limit import Limit
from common.core.model.methods import REGISTRAR_POOL, pool_of
from common.core.model.query import Query
from common.core.model.records import Detail
from common.core.outbox.announcer import Announcer
from common.core.outbox.deliveries import Deliveries
from common.core.outbox.feed_publisher import FeedPublisher
from common.core.rate_limits.rate_limits import RateLimits
from common.core.registries.directory import Directory
from common.core.registries.registries import Registries
from common.core.registries.sources import Source, Sources
from common.core.schedule.cadence import Cadence
from common.core.telemetry.telemetry import Telemetry
from common.core.trust.canaries import Canaries
from common.core.trust.canary_disputes import CanaryDisputes
from common.core.trust.conditions import Conditions
from common.core.trust.early_canaries import EarlyCanaries
from common.core.trust.known_names import KnownNames
from common.core.trust.server_trust import Trust
from common.core.verdict.assessor import Assessor
from common.core.workers.leases import Workers
from common.core.workers.poison import PoisonDetector
from common.messages import VERSION, Credit, Task, Tasks

NOW = 1_790_000_000.0
PLENTY = {"*": Limit("*", 1e6, 10**6, None)}
RDAP, WHOIS = ChannelKey("rdap", "rdap.com.test", "com"), ChannelKey("whois", "whois.com.test", "com")
#: Two registrars and an EPP account that a room may have.
SOURCES = (
    Source(method="registrar:one", url="https://one.test/v1"),
    Source(method="registrar:two", url="https://two.test/v1"),
    Source(method="epp", url="epp.com.test:700", suffixes=("com",)),
)
METHODS = {"fast": ("dns", "http"), "intermediate": ("rdap",), "deep": ("whois",), "notifier": ()}


def credit(
    pool: str,
    *,
    worker: str = "",
    egress: str = "default",
    free: int = 100,
    sweeps: int = 4,
    methods: tuple[str, ...] | None = None,
) -> Credit:
    """A credit message of a worker of this pool."""
    return Credit(
        version=VERSION,
        worker=worker or f"{pool}-0@h",
        boot="b",
        pool=pool,
        egress=egress,
        methods=METHODS[pool] if methods is None else methods,
        slots=100,
        free=free,
        seen=0,
        sweeps=sweeps if pool == "fast" else 0,
    )


def query(method: str, domain: str, *, server: str = "", limit: Limit = PLENTY["*"], rank: Rank = Rank.ORDINARY) -> Query:
    """A query that is ready to be queued."""
    suffix = domain.rpartition(".")[2]
    return Query(
        method=method,
        pool=pool_of(method),
        domain=domain,
        suffix=suffix,
        server=server,
        limit=limit,
        rank=rank,
        queued=NOW,
        budget=5.0,
    )


class ChecksRoom:
    """Every door of checks and of the rooms below. Zones are measured, and workers of every pool are connected."""

    def __init__(
        self,
        *,
        limits: Mapping[str, Limit] = PLENTY,
        interval: float = 3600.0,
        workers: bool = True,
        sources: Iterable[Source] = (),
    ) -> None:
        self.cadence = Cadence(interval, 60.0, 30.0, 2.0)
        self.sources = Sources(sources)
        self._build_lower(limits)
        self._build_trust(Random(1))
        self._build_checks()
        for pool in METHODS if workers else ():
            own = [source.method for source in self.sources.all_sources()] if pool == REGISTRAR_POOL else []
            self.workers.note_credit(credit(pool, methods=(*METHODS[pool], *own)), NOW)
        for suffix in ("com", "net", "org", "se"):
            self.registries.wildcards.start_measuring(suffix, NOW)
            self.registries.wildcards.note_measured(suffix, wildcard=False)

    def watch(self, *names: str, priority: bool = False, at: float = NEVER) -> Ids:
        """Watch these names, due at `at`."""
        ids = self.domains.table.add_names(names, [name.rpartition(".")[2] for name in names])
        urgent = np.full(len(ids), priority)
        self.domains.stages.add_watched(ids, urgent, np.full(len(ids), at))
        self.domains.count_state(None, "UNKNOWN", len(ids))
        self.domains.journal.add_new(ids, list(names), [name.rpartition(".")[2] for name in names], urgent.tolist())
        return ids

    def load(self, name: str, *, priority: bool = False) -> Entry:
        """Watch a name, and load it with what is known of it: nothing."""
        name_id = int(self.watch(name, priority=priority)[0])
        return self.domains.load_name(name_id, Detail(), NOW)

    def fill_budget(self, limit: Limit = PLENTY["*"], egress: str = "default") -> None:
        """Let an operator's bucket be full at NOW; a new one begins with one token."""
        self.rate_limits.budgets.available_tokens(limit, egress, NOW - 10)

    def waiting_queries(self) -> list[tuple[str, str]]:
        """(method, domain) of the queries that wait; they leave their queues."""
        queries = [query for pool in METHODS for query in self.rate_limits.queue.take_pool(pool, NEVER)]
        return sorted((query.method, query.domain) for query in queries)

    def sent(self, effects: list[Effect] | None = None) -> list[Task]:
        """The tasks among the planned effects."""
        planned = self.effects.take_planned() if effects is None else effects
        messages = [effect.message for effect in planned if isinstance(effect, Send)]
        return [task for message in messages if isinstance(message, Tasks) for task in message.tasks]

    def _build_lower(self, limits: Mapping[str, Limit]) -> None:
        suffixes = ("com", "net", "org")
        directory = Directory(
            own={suffix: (f"https://rdap.{suffix}.test/",) for suffix in suffixes},
            own_whois={suffix: f"whois.{suffix}.test" for suffix in (*suffixes, "se")},
        )
        self.effects = Effects()
        self.telemetry = Telemetry(self.effects, NOW)
        self.registries = Registries(
            directory=directory, overrides=limits, recursive_dns=False, iana_host="whois.iana.org", sources=self.sources
        )
        self.workers = Workers("boot")
        self.poison = PoisonDetector()
        self.rate_limits = RateLimits(self.registries, self.workers, self.telemetry, self.cadence.interval)
        self.domains = Domains(self.cadence, encode, NOW)
        self.channels = Channels(self.registries, self.rate_limits, self.telemetry)

    def _build_trust(self, rng: Random) -> None:
        self.trust = Trust()
        self.conditions = Conditions(self.registries, self.rate_limits, self.channels, self.trust)
        known_names = KnownNames({suffix: (f"known.{suffix}",) for suffix in ("com", "net", "org", "se")})
        self.canaries = Canaries(
            registries=self.registries,
            rate_limits=self.rate_limits,
            domains=self.domains,
            trust=self.trust,
            conditions=self.conditions,
            known_names=known_names,
            telemetry=self.telemetry,
            rng=rng,
            disputes=CanaryDisputes(self.registries, self.trust, known_names, self.telemetry),
        )
        self.early_canaries = EarlyCanaries(
            registries=self.registries,
            rate_limits=self.rate_limits,
            channels=self.channels,
            trust=self.trust,
            conditions=self.conditions,
            canaries=self.canaries,
            hours=self.domains.calendar.hours,
            telemetry=self.telemetry,
            rng=rng,
        )

    def _build_checks(self) -> None:
        self.deliveries = Deliveries()
        feed = FeedPublisher(self.effects, "test")
        self.announcer = Announcer(self.domains, self.deliveries, feed, self.telemetry, callbacks=True, results="none")
        assessor = Assessor(self.registries, self.channels, self.trust, self.conditions, self.cadence)
        self.audit = Audit(self.trust, self.domains.journal, self.telemetry, NOW)
        self.conclusions = Conclusions(self.domains, assessor, self.announcer, self.audit)
        self.unanswered = Unanswered(self.registries, self.rate_limits, self.channels, self.trust, self.telemetry)
        self.planner = QueryPlanner(
            registries=self.registries,
            rate_limits=self.rate_limits,
            channels=self.channels,
            trust=self.trust,
            conditions=self.conditions,
            unanswered=self.unanswered,
            hours=self.domains.calendar.hours,
        )
        self.window_shares = WindowShares(
            domains=self.domains,
            registries=self.registries,
            rate_limits=self.rate_limits,
            channels=self.channels,
            trust=self.trust,
        )
        self.window_pace = WindowPace(
            domains=self.domains, registries=self.registries, rate_limits=self.rate_limits, shares=self.window_shares
        )
        self.checks = Checks(
            domains=self.domains,
            registries=self.registries,
            queue=self.rate_limits.queue,
            channels=self.channels,
            canaries=self.canaries,
            early_canaries=self.early_canaries,
            assessor=assessor,
            conclusions=self.conclusions,
            announcer=self.announcer,
            audit=self.audit,
            planner=self.planner,
            unanswered=self.unanswered,
            window_pace=self.window_pace,
            telemetry=self.telemetry,
        )
        self._build_doors()

    def _build_doors(self) -> None:
        self.starts = CheckStarts(
            domains=self.domains,
            checks=self.checks,
            planner=self.planner,
            queue=self.rate_limits.queue,
            effects=self.effects,
            telemetry=self.telemetry,
            decode=lambda data: convert(decode_map(data), Detail),
        )
        self.queries = QueryDispatch(
            workers=self.workers,
            poison=self.poison,
            rate_limits=self.rate_limits,
            channels=self.channels,
            checks=self.checks,
            unanswered=self.unanswered,
            effects=self.effects,
            telemetry=self.telemetry,
        )
        self.answers = QueryAnswers(
            domains=self.domains,
            registries=self.registries,
            workers=self.workers,
            poison=self.poison,
            rate_limits=self.rate_limits,
            channels=self.channels,
            checks=self.checks,
            unanswered=self.unanswered,
            telemetry=self.telemetry,
        )
