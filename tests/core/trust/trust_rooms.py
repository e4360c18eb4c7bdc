"""The room `trust` with the rooms below it, wired as the coordinator does: no coordinator, no checks, no simulated world."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random

from common.codec import encode
from common.core.channels.channels import Channels
from common.core.domains.domains import Domains
from common.core.model.channel import ChannelKey, Probe
from common.core.model.effects import Effects, LogLine
from common.core.model.entry import Entry
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.limit import Limit
from common.core.model.methods import POOL_OF, POOLS, pool_of
from common.core.model.query import Query
from common.core.model.records import Detail
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
from common.core.trust.outcomes import CanaryOutcome
from common.core.trust.server_trust import Trust
from common.core.workers.leases import Workers
from common.messages import VERSION, Credit

NOW = 1_790_000_000.0
SINCE = NOW - 5.0
RDAP, WHOIS = ChannelKey("rdap", "rdap.com.test", "com"), ChannelKey("whois", "whois.com.test", "com")
ZONE = ChannelKey("dns", "com", "com")
#: Every server takes a thousand queries a second.
PLENTY = {"*": Limit("*", 1000.0, 1000)}
#: Two registrars and an EPP account that the rooms may have, and their channels for com.
SOURCES = (
    Source(method="registrar:one", url="https://one.test/v1"),
    Source(method="registrar:two", url="https://two.test/v1"),
    Source(method="epp", url="epp.com.test:700", suffixes=("com",)),
)
ONE, TWO = ChannelKey("registrar:one", "one.test", "com"), ChannelKey("registrar:two", "two.test", "com")
EPP = ChannelKey("epp", "epp.com.test", "com")
FINDINGS = {
    Outcome.REGISTERED: {"dns": "dns_auth_referral", "rdap": "rdap_200_match", "whois": "whois_registered"},
    Outcome.UNREGISTERED: {
        "dns": "dns_auth_nxdomain",
        "rdap": "rdap_404_json",
        "whois": "whois_free",
        "epp": "epp_available",
        "registrar:one": "registrar_available_live",
        "registrar:two": "registrar_available_live",
    },
    Outcome.PREMIUM: {"epp": "epp_premium", "registrar:one": "registrar_premium", "registrar:two": "registrar_premium"},
}


class TrustRooms:
    """Each suffix has an RDAP server, a WHOIS server and the canary `known.<suffix>`; each pool has one worker.

    `real`: the servers are those of the built-in tables. `limits` are budgets as `BUDGETS_FILE` sets them.
    """

    def __init__(
        self,
        *suffixes: str,
        limits: Mapping[str, Limit] = PLENTY,
        real: bool = False,
        pools: Iterable[str] = POOLS,
        canaries: Mapping[str, tuple[str, ...]] | None = None,
        sources: Iterable[Source] = (),
    ) -> None:
        self.suffixes = list(suffixes or ("com",))
        self.sources = Sources(sources)
        self._build_lower({} if real else {suffix: f"{suffix}.test" for suffix in self.suffixes}, limits)
        for pool in pools:
            own = [source.method for source in self.sources.all_sources() if pool_of(source.method) == pool]
            methods = tuple({method: None for method, its_pool in POOL_OF.items() if its_pool == pool} | dict.fromkeys(own))
            self.workers.note_credit(Credit(VERSION, f"{pool}-0@test", "b1", pool, "default", methods, 16, 16, 0), NOW)
        own = {suffix: (f"known.{suffix}",) for suffix in self.suffixes} if canaries is None else canaries
        self._build_trust(own, Random(1))

    def _build_lower(self, hosts: Mapping[str, str], limits: Mapping[str, Limit]) -> None:
        directory = Directory(
            own={suffix: (f"https://rdap.{host}/",) for suffix, host in hosts.items()},
            own_whois={suffix: f"whois.{host}" for suffix, host in hosts.items()},
        )
        self.effects = Effects()
        self.telemetry = Telemetry(self.effects, NOW)
        self.registries = Registries(
            directory=directory, overrides=limits, recursive_dns=False, iana_host="whois.iana.org", sources=self.sources
        )
        self.workers = Workers("boot1")
        self.rate_limits = RateLimits(self.registries, self.workers, self.telemetry, 600.0)
        self.domains = Domains(Cadence(600.0, 60.0, 30.0, 2.0), encode, NOW)
        self.channels = Channels(self.registries, self.rate_limits, self.telemetry)

    def _build_trust(self, own: Mapping[str, tuple[str, ...]], rng: Random) -> None:
        self.trust = Trust()
        self.conditions = Conditions(self.registries, self.rate_limits, self.channels, self.trust)
        self.known_names = KnownNames(own)
        self.canaries = Canaries(
            registries=self.registries,
            rate_limits=self.rate_limits,
            domains=self.domains,
            trust=self.trust,
            conditions=self.conditions,
            known_names=self.known_names,
            telemetry=self.telemetry,
            rng=rng,
            disputes=CanaryDisputes(self.registries, self.trust, self.known_names, self.telemetry),
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

    def limit_of(self, key: ChannelKey) -> Limit:
        """The budget of a channel."""
        return self.registries.limit_of(*key)

    def take_canaries(self) -> list[Query]:
        """Take the queries about canaries out of every queue; by channel, the known name of a server before the random one."""
        keys = [
            key for suffix in self.suffixes for key in (*self.registries.channels_of(suffix), ChannelKey("dns", suffix, suffix))
        ]
        keys += [self.registries.channel_of(source.method, self.suffixes[0]) for source in self.sources.all_sources()]
        operators = dict.fromkeys(self.limit_of(key).operator for key in keys)
        queries = [query for operator in operators for query in self.rate_limits.queue.take_operator(operator)]
        asked = [(query, query.probe) for query in queries if query.probe is not None]
        return [query for query, _ in sorted(asked, key=lambda pair: (pair[1].key, not pair[1].registered))]

    def take_probes(self) -> list[tuple[str, str]]:
        """The same as (method, "known" or "random")."""
        probes = [query.probe for query in self.take_canaries()]
        return [(probe.key.method, "known" if probe.registered else "random") for probe in probes if probe is not None]

    def log_lines(self, event: str) -> list[LogLine]:
        """Take the log lines of an event that were planned so far; all other effects are gone by that, too."""
        return [effect for effect in self.effects.take_planned() if isinstance(effect, LogLine) and effect.event == event]

    def limit_operator(self, key: ChannelKey, now: float, seconds: float) -> None:
        """The operator of a channel limits us for so long."""
        slow_down = Reading(Outcome.THROTTLED, f"{key.method}_throttled", "slow down", retry_after=seconds)
        answer = Observation(key.method, slow_down, server=key.server)
        self.rate_limits.budgets.note_answer(self.limit_of(key), "default", answer, now)

    def load_name(self, name: str, now: float = NOW) -> Entry:
        """A watched name that is loaded and not in a check."""
        suffix = next(suffix for suffix in self.suffixes if name.endswith(f".{suffix}"))
        (name_id,) = self.domains.table.add_names([name], [suffix]).tolist()
        self.domains.table.set_watched(name_id, on=True)
        return self.domains.load_name(name_id, Detail(), now)


def answer_of(key: ChannelKey, outcome: Outcome) -> Observation:
    """What a server says, with the finding that this kind of answer has."""
    finding = FINDINGS.get(outcome, {}).get(key.method, f"{key.method}_x")
    return Observation(key.method, Reading(outcome, finding, "so it says"), server=key.server)


def verify_server(rooms: TrustRooms, key: ChannelKey, at: float) -> None:
    """Both canaries of a server are answered rightly."""
    verify_channel(rooms.trust, key, at)


def verify_channel(trust: Trust, key: ChannelKey, at: float) -> None:
    """The same without its rooms."""
    known, random = Probe(key, f"known.{key.suffix}", registered=True), Probe(key, f"q1.{key.suffix}", registered=False)
    trust.note_answer(known, answer_of(key, Outcome.REGISTERED), at)
    trust.note_answer(random, answer_of(key, Outcome.UNREGISTERED), at)


def catch_lie(rooms: TrustRooms, key: ChannelKey, at: float) -> None:
    """A server that found its canary a second before denies it."""
    known = Probe(key, f"known.{key.suffix}", registered=True)
    rooms.trust.note_answer(known, answer_of(key, Outcome.REGISTERED), at - 1.0)
    rooms.trust.note_answer(known, answer_of(key, Outcome.UNREGISTERED), at)


def loaded_name(rooms: TrustRooms, name: str, *denied_by: ChannelKey, at: float = NOW) -> Entry:
    """A loaded name that these channels denied in its one pass."""
    entry = rooms.load_name(name)
    for key in denied_by:
        entry.note_observation(answer_of(key, Outcome.UNREGISTERED), at)
    entry.detail.passes = (at,) if denied_by else ()
    return entry


def await_servers(rooms: TrustRooms, entry: Entry, *keys: ChannelKey) -> list[Probe]:
    """Let a name wait for canaries of these servers; those that are asked by that."""
    rooms.canaries.await_canaries(entry, [(key, NOW) for key in keys], SINCE, NOW)
    return [query.probe for query in rooms.take_canaries() if query.probe is not None]


def answer_canary(rooms: TrustRooms, probe: Probe, outcome: Outcome, now: float = NOW + 1.0) -> CanaryOutcome:
    """A canary's answer comes in."""
    return rooms.canaries.take_canary_outcome(probe, answer_of(probe.key, outcome), now)


def graded(rooms: TrustRooms) -> dict[str, float]:
    """How answers to canaries were counted."""
    return dict(rooms.telemetry.metrics.sum_counter("canaries", ("method", "result")))
