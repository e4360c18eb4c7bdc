"""Wires the rooms (packages) of the core together: each gets the doors and the values that it needs, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from msgspec import Struct

from common.core.audit.audit import Audit
from common.core.channels.channels import Channels
from common.core.checks.check_starts import CheckStarts
from common.core.checks.checks import Checks
from common.core.checks.conclude import Conclusions
from common.core.checks.query_answers import QueryAnswers
from common.core.checks.query_dispatch import QueryDispatch
from common.core.checks.query_planner import QueryPlanner
from common.core.checks.starvation import Starvation
from common.core.checks.unanswered import Unanswered
from common.core.checks.window_pace import WindowPace
from common.core.checks.window_shares import WindowShares
from common.core.coordinator.lost_leases import LostLeases
from common.core.domains.domains import Domains
from common.core.model.effects import Effects
from common.core.model.limit import Limit
from common.core.model.methods import POOLS
from common.core.model.records import Detail
from common.core.outbox.announcer import Announcer
from common.core.outbox.callback_dispatch import CallbackDispatch
from common.core.outbox.deliveries import Deliveries
from common.core.outbox.feed_publisher import FeedPublisher
from common.core.publications.certificates import CertificateChecks
from common.core.publications.joins import Joins
from common.core.publications.zone_names import ZoneNames
from common.core.rate_limits.rate_limits import RateLimits
from common.core.registries.back_ends import Shares
from common.core.registries.directory import Directory
from common.core.registries.registries import Registries
from common.core.registries.sources import Source, Sources
from common.core.schedule.cadence import Cadence
from common.core.shards.layout import Layout
from common.core.sweeps.due import DueNames
from common.core.sweeps.fallback import SweepFallback
from common.core.sweeps.sweep_dispatch import SweepDispatch
from common.core.sweeps.sweep_queues import SweepQueues
from common.core.sweeps.sweep_results import SweepResults
from common.core.telemetry.telemetry import Telemetry
from common.core.trust.canaries import Canaries
from common.core.trust.canary_disputes import CanaryDisputes
from common.core.trust.conditions import Conditions
from common.core.trust.early_canaries import EarlyCanaries
from common.core.trust.known_names import KnownNames
from common.core.trust.server_trust import Trust
from common.core.verdict.assessor import Assessor
from common.core.watchlist.intake import Intake
from common.core.workers.leases import Workers
from common.core.workers.poison import PoisonDetector


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings of the core, and what its host provides.

    `encode` turns a detail or a ledger entry into bytes, `decode` bytes of the store into a detail, an empty one where they
    cannot be read. `limits` and `canaries` are the user's own, `missing` has a sentence for each thing that is not configured,
    `pools` are those of which this instance starts workers, `sources` the registrars and accounts that may be asked,
    `epoch` is that in which this instance leads, `shard` its part of a watch list that `layout` divides.
    """

    cadence: Cadence
    instance: str
    iana_host: str
    encode: Callable[[Struct], bytes]
    decode: Callable[[bytes], Detail]
    callbacks: bool = False  # whether there is a URL to post to
    callback_results: str = "all"
    recursive_dns: bool = False  # answers come through a resolver, whatever serves the suffix
    limits: Mapping[str, Limit] = field(default_factory=dict)
    canaries: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    pools: tuple[str, ...] = POOLS
    sources: tuple[Source, ...] = ()
    epoch: int = 0
    layout: Layout = field(default_factory=Layout)
    shard: int = 0


class Rooms:
    """The doors of all rooms, built from the lowest to the highest."""

    def __init__(self, policy: Policy, directory: Directory, boot: str, rng: Random, now: float) -> None:
        self._build_lower(policy, directory, boot, now)
        self._build_trust(policy, rng)
        self._build_outbox(policy, rng)
        self._build_checks(policy, now)
        self._build_upper()

    def _build_lower(self, policy: Policy, directory: Directory, boot: str, now: float) -> None:
        self.effects = Effects()
        self.telemetry = Telemetry(self.effects, now)
        self.registries = Registries(
            directory=directory,
            overrides=policy.limits,
            recursive_dns=policy.recursive_dns,
            iana_host=policy.iana_host,
            sources=Sources(policy.sources),
            shares=Shares(policy.layout),
        )
        self.workers = Workers(boot, int(now * 1_000_000))
        self.poison = PoisonDetector()
        self.rate_limits = RateLimits(self.registries, self.workers, self.telemetry, policy.cadence.interval)
        self.domains = Domains(policy.cadence, policy.encode, now)
        self.channels = Channels(self.registries, self.rate_limits, self.telemetry)

    def _build_trust(self, policy: Policy, rng: Random) -> None:
        self.trust = Trust()
        self.conditions = Conditions(self.registries, self.rate_limits, self.channels, self.trust)
        known_names = KnownNames(policy.canaries)
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

    def _build_outbox(self, policy: Policy, rng: Random) -> None:
        self.feed = FeedPublisher(self.effects, policy.instance, policy.shard if policy.layout.shards > 1 else None)
        self.deliveries = Deliveries()
        self.announcer = Announcer(
            self.domains,
            self.deliveries,
            self.feed,
            self.telemetry,
            callbacks=policy.callbacks,
            results=policy.callback_results,
        )
        self.callbacks = CallbackDispatch(
            workers=self.workers,
            deliveries=self.deliveries,
            journal=self.domains.journal,
            effects=self.effects,
            telemetry=self.telemetry,
            rng=rng,
        )

    def _build_checks(self, policy: Policy, now: float) -> None:
        assessor = Assessor(self.registries, self.channels, self.trust, self.conditions, policy.cadence, self.domains.calendar)
        self.assessor = assessor
        self.audit = Audit(self.trust, self.domains.journal, self.telemetry, now)
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
        self.starvation = Starvation(domains=self.domains, rate_limits=self.rate_limits, shares=self.window_shares)
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
        self.starts = CheckStarts(
            domains=self.domains,
            checks=self.checks,
            planner=self.planner,
            queue=self.rate_limits.queue,
            effects=self.effects,
            telemetry=self.telemetry,
            decode=policy.decode,
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

    def _build_upper(self) -> None:
        self.sweep_queues = SweepQueues()
        self.due = DueNames(
            domains=self.domains,
            registries=self.registries,
            workers=self.workers,
            canaries=self.canaries,
            starts=self.starts,
            queues=self.sweep_queues,
        )
        self.sweeps = SweepDispatch(
            domains=self.domains,
            registries=self.registries,
            rate_limits=self.rate_limits,
            workers=self.workers,
            starts=self.starts,
            queues=self.sweep_queues,
            effects=self.effects,
            telemetry=self.telemetry,
        )
        self.sweep_results = SweepResults(
            domains=self.domains,
            registries=self.registries,
            rate_limits=self.rate_limits,
            workers=self.workers,
            starts=self.starts,
            planner=self.planner,
            conclusions=self.conclusions,
            announcer=self.announcer,
            answers=self.answers,
            window_pace=self.window_pace,
            dispatch=self.sweeps,
            telemetry=self.telemetry,
        )
        self.fallback = SweepFallback(
            domains=self.domains,
            registries=self.registries,
            rate_limits=self.rate_limits,
            workers=self.workers,
            starts=self.starts,
            queues=self.sweep_queues,
            dispatch=self.sweeps,
            results=self.sweep_results,
        )
        self.intake = Intake(
            domains=self.domains,
            starts=self.starts,
            gaps=self.canaries.gaps,
            effects=self.effects,
            telemetry=self.telemetry,
        )
        self.publications = Joins(
            domains=self.domains,
            starts=self.starts,
            zones=ZoneNames(domains=self.domains, conclusions=self.conclusions, announcer=self.announcer),
            certificates=CertificateChecks(domains=self.domains, starts=self.starts),
            telemetry=self.telemetry,
        )
        self.lost_leases = LostLeases(
            domains=self.domains,
            workers=self.workers,
            poison=self.poison,
            checks=self.checks,
            queries=self.queries,
            sweeps=self.sweeps,
            callbacks=self.callbacks,
            telemetry=self.telemetry,
        )
