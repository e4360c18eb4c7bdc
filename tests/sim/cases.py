"""Random histories of one name, by seed: which registry, how the name goes, what is dead and when, how often it is asked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

from common.core.builtin.lifecycles import NO_DAYS
from common.core.model.evidence import Phase
from common.core.registries.directory import host_of
from common.core.registries.operators import limit_for
from tests.sim.dead_channels import KINDS, Dead
from tests.sim.lives import Hold, Life
from tests.sim.oracle import Facts
from tests.sim.registry_world import Lie
from tests.sim.suffix_models import DAY, HOUR, ModelDirectory, SuffixModel, every_model, purge_minutes
from tests.sim.world import START

#: Ways in which a name becomes free, and histories in which it does not.
DROPS = ("pending delete", "redemption", "no warning", "expired grace", "never registered")
OTHERS = ("held", "restored", "renewed", "reserved after the drop", "reserved", "server lies", "lie about one name")
#: Ways of a drop whose beginning the service watches.
_WATCHED = ("pending delete", "redemption", "no warning", "expired grace")
WHENS = ("from the beginning", "long before", "at the drop", "for a while")
_LEADS = (900.0, 1800.0, 2 * HOUR, 6 * HOUR)
_STEPS = (30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0)
_LABELS = {"xn--p1ai": "xn--e1afmkfd", "xn--e1a4c": "xn--e1afmkfd", "xn--qxa6a": "xn--hxajbheg2az3al"}
GAP, GAP_CLOSE = 30.0, 2.0


@dataclass(slots=True)
class Case:
    """One history. `caught` seconds after the alarm the name is registered, None for never."""

    seed: int
    way: str
    domain: str
    facts: Facts
    end: float
    interval: float
    priority: bool
    when: str = ""
    lies: list[Lie] = field(default_factory=list)
    caught: float | None = None
    off_calendar: float = 0.0

    @property
    def dead(self) -> Dead | None:
        """The channel that does not work."""
        return self.facts.dead

    @property
    def trouble(self) -> str:
        """The dead channel in two words."""
        return f"{self.dead.method} {self.dead.kind}" if self.dead is not None else "all alive"

    def __str__(self) -> str:
        shape = "+".join(self.facts.model.registry)
        rank = "priority" if self.priority else "ordinary"
        budgets = "built-in" if self.facts.real else "wide"
        extra = [f"dates off by {self.off_calendar / DAY:+.0f} d"] if self.off_calendar else []
        extra += ["stale answer"] if self.facts.stale_until else []
        extra += ["lied before"] if self.lies and self.way in DROPS else []
        extra += ["caught"] if self.caught is not None else []
        words = [f"{self.domain} ({shape})", self.way, f"{self.trouble} {self.when}".strip(), f"{self.facts.step:.0f} s {rank}"]
        return ", ".join([*words, f"{budgets} budgets", *extra])


def case_of(seed: int) -> Case:
    """The history of a seed."""
    rng = Random(f"case {seed}")
    real = rng.random() < 0.25
    model = _model(rng, real=real)
    way = rng.choices((*DROPS, *OTHERS), (6, 5, 5, 3, 3, 1, 1, 1, 1, 2, 1, 1))[0]
    if way == "reserved after the drop" and not (model.whois or model.rdap_says_reserved):
        way = "reserved"  # a name that was seen registered is believed to be free for all where no channel says otherwise
    if way == "lie about one name" and len(model.registry) < 2:
        model = replace(model, rdap=True, whois=True)
        real = False
    procedure = model.procedure(shown=rng.random() < 0.5)
    purge = _purge(model, rng)
    lead = rng.choice(_LEADS)
    step = rng.choice(_STEPS)
    if procedure is not None and way in _WATCHED:
        step = max(step, 600.0 if procedure.most < 2 * DAY else 3600.0)
    priority = rng.random() < 0.3
    off = _off(rng)
    life = Life(_changes(model, way, purge, off, lead), expires=_expires(model, way, purge, off), wildcard=model.wildcard)
    life.rdap_says_reserved = model.rdap_says_reserved
    life.reserved = way.startswith("reserved")
    if way in ("no warning", "expired grace"):
        life.lag = max(model.zone_lag, rng.choice((0.0, 0.0, 600.0, 1800.0)))
    if procedure is not None and way in _WATCHED:
        life.hold = Hold(purge, procedure.end(purge, life.expires, rng.random()), procedure.shown)
    begin = purge if way in ("never registered", "reserved") else purge - lead
    dead, when = _dead(model, way, rng, purge, begin, lead)
    if life.hold is not None and dead is not None and not _seen(model, dead, life, begin, purge, step):
        # that there is a release procedure can only be known of a name that was seen registered
        dead, when = replace(dead, since=purge), when if when == "for a while" else "at the drop"
    facts = Facts(
        model, life, begin, step, GAP_CLOSE if priority else GAP, real=real, dead=dead, purge=purge,
        seen=_seen(model, dead, life, begin, purge, step),
        off_calendar=DAY / 2 / (4 if priority else 1) if way == "redemption" or (way == "pending delete" and off) else 0.0,
    )  # fmt: skip
    label = _LABELS.get(model.suffix, f"drop{seed}")
    case = Case(seed, way, f"{label}.{model.suffix}", facts, begin + lead + 3 * HOUR, step, priority, when, off_calendar=off)
    _embellish(case, rng, lead)
    return case


def _model(rng: Random, *, real: bool) -> SuffixModel:
    model = rng.choice(every_model())
    if real:
        return _within_budgets(model)
    shape = rng.choice(("as it is", "as it is", "both", "rdap", "whois"))
    if shape == "as it is":
        return model
    return replace(model, rdap=shape != "whois", whois=shape != "rdap")


def _within_budgets(model: SuffixModel) -> SuffixModel:
    """Without channels that the built-in budgets switch off."""
    directory = ModelDirectory([model], real=True)
    server = directory.whois_server(model.suffix)
    if server is not None and model.rdap and limit_for("whois", host_of(server), {}).rate <= 0:
        return replace(model, whois=False)
    return model


def _purge(model: SuffixModel, rng: Random) -> float:
    """A moment at which names of the suffix are purged."""
    day = datetime.fromtimestamp(START, UTC).replace(hour=0, minute=0, second=0) + timedelta(days=rng.randrange(300))
    if model.cycle.weekday is not None:
        day += timedelta(days=(model.cycle.weekday - day.weekday()) % 7)
    if model.cycle.month_end:
        return day.replace(day=1).timestamp() - 9 * HOUR + rng.uniform(HOUR, 2 * HOUR)
    first, last = purge_minutes(model)
    return day.timestamp() + rng.uniform(first, last) * 60.0


def _off(rng: Random) -> float:
    """How far the dates of the record are from what the calendar makes of them."""
    return rng.choice((0.0, 0.0, 0.0, rng.uniform(-12, 12) * DAY))


def _changes(model: SuffixModel, way: str, purge: float, off: float, lead: float) -> list[tuple[float, Phase | None]]:
    """The phases of the name; `off` is by how much its last phase is longer than the calendar says."""
    cycle = model.cycle
    last = Phase.PENDING_DELETE if cycle.pending is not None else Phase.REDEMPTION
    first = Phase.PENDING_DELETE if cycle.pending_is_both else Phase.REDEMPTION
    held = max(1, cycle.redemption.most) * DAY
    deleted = purge - max(lead + HOUR, (cycle.pending.most * DAY if cycle.pending is not None else held) + off)
    redeemed = purge - max(lead + HOUR, held + off)
    before = deleted - held if cycle.pending is not None else deleted - 1.0
    active: list[tuple[float, Phase | None]] = [(0.0, Phase.ACTIVE)]
    grace: list[tuple[float, Phase | None]] = [*active, (purge - 20 * DAY, Phase.EXPIRED_GRACE)]
    dying: list[tuple[float, Phase | None]] = [*active, (before, first), (deleted, last), (purge, None)]
    ways: dict[str, list[tuple[float, Phase | None]]] = {
        "pending delete": dying,
        "redemption": [*active, (redeemed, first), (purge, None)],
        "no warning": [*active, (purge, None)],
        "expired grace": [*grace, (purge, None)],
        "never registered": [(0.0, None)],
        "held": [*active, (redeemed, Phase.UNDELEGATED)],
        "restored": [*active, (redeemed, first), (purge, Phase.PENDING_RESTORE), (purge + HOUR, Phase.ACTIVE)],
        "renewed": [*grace, (purge, Phase.ACTIVE)],
        "reserved after the drop": dying,
        "reserved": [(0.0, None)],
    }
    return ways.get(way, active)


def _expires(model: SuffixModel, way: str, purge: float, off: float) -> float:
    """The expiry date of the record: what the calendar is counted from, or moved on by a year as gTLD registries do."""
    cycle = model.cycle
    if way == "expired grace":
        return purge - 20 * DAY
    if not cycle.from_expiry or way in ("no warning", "held", "renewed"):
        return purge + 200 * DAY
    return purge - sum(days.most for days in (cycle.grace, cycle.redemption, cycle.pending or NO_DAYS)) * DAY - off


def _dead(model: SuffixModel, way: str, rng: Random, purge: float, begin: float, lead: float) -> tuple[Dead | None, str]:
    """The channel that does not work, and since when in words."""
    if way in ("server lies", "lie about one name") or rng.random() < 0.2:
        return None, ""
    method = rng.choice([*model.registry, *model.registry, "dns"])
    if way == "reserved after the drop" and method == "whois":
        return None, ""
    kind = rng.choice(KINDS[method])
    when = rng.choice(WHENS)
    if model.registry == (method,) and rng.random() < 0.8:
        when = "for a while"
    spans = {
        "from the beginning": (float("-inf"), float("inf")),
        "long before": (begin + min(900.0, lead / 3), float("inf")),
        "at the drop": (purge, float("inf")),
        "for a while": (purge - rng.uniform(0, HOUR), purge + rng.uniform(300, 3 * HOUR)),
    }
    return Dead(method, kind, *spans[when]), when


def _seen(model: SuffixModel, dead: Dead | None, life: Life, begin: float, purge: float, step: float) -> bool:
    """Whether the service had a whole look, at least, at the registered name before the purge, whatever was dead."""
    if life.at(begin) is None:
        return False
    until = min(purge, begin + 3 * step + 120.0)
    works = [
        method for method in model.registry if dead is None or dead.method != method or not (dead.at(begin) or dead.at(until))
    ]
    return bool(works) and purge - begin >= 300.0


def _embellish(case: Case, rng: Random, lead: float) -> None:
    """What else happens: catches, stale answers, lies that are over."""
    facts, suffix = case.facts, case.facts.model.suffix
    purge = facts.purge
    if case.way == "server lies":
        case.lies.append(Lie(rng.choice(facts.model.registry), suffix, None, purge, purge + rng.uniform(5, HOUR)))
        facts.life.changes = rng.choice([facts.life.changes, [(0.0, Phase.ACTIVE), (purge - 9 * DAY, Phase.UNDELEGATED)]])
    elif case.way == "lie about one name":
        case.lies.append(Lie(rng.choice(facts.model.registry), suffix, case.domain, purge, purge + rng.uniform(5, 2 * HOUR)))
    elif case.way in _WATCHED:
        if rng.random() < 0.15 and lead >= 2 * HOUR and facts.dead is None:
            case.lies.append(Lie(rng.choice(facts.model.registry), suffix, None, purge - 1.5 * HOUR, purge - HOUR))
        elif rng.random() < 0.15 and facts.dead is None:
            since = purge + rng.uniform(5, 90)
            facts.life.stale = (rng.choice(facts.model.registry), since, since + rng.uniform(10, 120))
            case.facts = replace(facts, stale_until=facts.life.stale[2])
        if rng.random() < 0.25:
            case.caught = rng.uniform(60, 1200)


def drop_of(model: SuffixModel, lead: float, step: float, seed: int = 1) -> Case:
    """The plain drop of an ordinary name in its last phase, by the calendar, at honest registries that all answer."""
    rng = Random(f"drop {model.suffix} {seed}")
    purge = _purge(model, rng)
    life = Life(
        _changes(model, "pending delete", purge, 0.0, lead),
        expires=_expires(model, "pending delete", purge, 0.0),
        wildcard=model.wildcard,
    )
    procedure = model.procedure(shown=True)
    if procedure is not None:
        life.hold = Hold(purge, procedure.end(purge, life.expires, 1.0), procedure.shown)
    facts = Facts(model, life, purge - lead, step, GAP, real=True, purge=purge)
    label = _LABELS.get(model.suffix, "drop")
    return Case(seed, "pending delete", f"{label}.{model.suffix}", facts, purge + DAY, step, priority=False)
