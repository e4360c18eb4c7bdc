"""What has to be told and by when, and what may never be told: the oracle that checks a run against the truth.

**Liveness.** A name that is free to register is told within `Bound.seconds` of `Bound.visible`:

    checks * step * 1.2  +  confirmation  +  the calendar's hold  +  the wait for a reservation  +  slack

- `visible` is when the last of these is so: the name is gone at the registry and out of the zone, its release procedure is
  over, a stale answer of the registry is a quarter of an hour old, and the only registry channel, if it was dead, works again
  and the longest backoff after such trouble has passed.
- `step` is the base cadence of the name, never less than what the budget of the channel asked first allows, and half a day for
  a name that goes on another day than its calendar says (a quarter of that with priority); 1.2 is its jitter. One check finds
  the name where every channel is alive; three where one is dead.
- A *pass* is a query, a known name and a random label at the pace of the operator, and no less than the confirmation gap; a
  silent channel adds its time limit, and one that limited us for long is asked as seldom as a bucket ever gets. A channel
  that needs more than two minutes for three queries is too slow for a gate and no condition, unless it is the only one. The
  confirmation takes six passes or ten minutes, whichever is longer. Where two registry channels and the zone are alive: three
  passes and a minute.
- A calendar may hold a name back only where no living channel shows its release procedure, a quarter longer than that
  lasts at most, and a day.
- A name never seen registered waits a quarter of an hour for a channel that would say "reserved", where that is dead.

The notice is `available`. `unregistered` will do for a name that was never seen registered while no channel speaks that would
say "reserved".

**Safety.** `available` only for a name that was free to register at the age of the evidence; `unregistered` only for one
without an object; no true alarm is taken back, unless the registry itself shows an old record; and the confidence of an
announced name that the registry confirms never sinks.
"""

from __future__ import annotations

from dataclasses import dataclass

from common.core.rate_limits.bucket import FLOOR
from common.core.registries.directory import host_of
from common.core.registries.operators import limit_for
from tests.sim.dead_channels import BACKOFF, Dead
from tests.sim.lives import Life
from tests.sim.suffix_models import ModelDirectory, SuffixModel

JITTER = 1.2
LOOKS, LOOKS_BLIND = 1, 3
QUESTIONS = 3
#: Seconds in which a channel has to answer a whole pass to be a condition of an alarm: the freshness of a positive.
FRESH = 120.0
LEAST, PASSES, PASSES_ALIVE, EXTRA_ALIVE = 600.0, 6, 3, 60.0
#: Seconds after a contradiction, for a word on reservations, and for committing, posting and queues.
QUIET, RESERVED_WAIT, SLACK = 900.0, 900.0, 60.0
#: How much a confidence may wobble without sinking: as much as P(unregistered) of an alarm may lie below 1.
WOBBLE = 0.005


@dataclass(frozen=True, slots=True)
class Facts:
    """What an oracle knows of a run beforehand. Times in epoch seconds, lengths in seconds.

    `gap` is the confirmation gap, `real` whether the built-in budgets of the real hosts are in force, `seen` whether the
    service had a chance to see the name registered, `off_calendar` how long a name may go unseen that its calendar does not
    expect to drop, `stale_until` the end of a stale answer (0: none).
    """

    model: SuffixModel
    life: Life
    begin: float
    step: float
    gap: float
    real: bool = False
    dead: Dead | None = None
    seen: bool = True
    purge: float = 0.0
    off_calendar: float = 0.0
    stale_until: float = 0.0


@dataclass(frozen=True, slots=True)
class Bound:
    """By when a name has to be told: `seconds` after `visible`. `age` is how old evidence may be; `words` what will do."""

    visible: float
    seconds: float
    age: float
    words: frozenset[str]

    @property
    def latest(self) -> float:
        """Epoch seconds."""
        return self.visible + self.seconds


def bound_of(facts: Facts) -> Bound | None:
    """See the module; None where nothing has to be told: the name never gets free, or its only channel stays dead."""
    life, model, dead = facts.life, facts.model, facts.dead
    if life.reserved or life.at(float("inf")) is not None:
        return None
    visible = max(facts.begin, facts.purge + life.lag, facts.stale_until + QUIET if facts.stale_until else 0.0)
    only = dead is not None and model.registry == (dead.method,)
    if dead is not None and only:
        if dead.until == float("inf"):
            return None
        visible = max(visible, dead.until + BACKOFF.get(dead.kind, facts.step * JITTER))
    hold = _hold(facts)
    if life.hold is not None:
        visible = max(visible, life.hold.end)
    length = pass_length(facts)
    whois = model.whois and (dead is None or dead.method != "whois" or only)
    alive = dead is None and len(model.registry) == 2 and not model.wildcard
    confirmation = PASSES_ALIVE * length + EXTRA_ALIVE if alive else max(LEAST, PASSES * length)
    wait = 0.0 if facts.seen or whois or not model.whois else RESERVED_WAIT
    looks = (
        (LOOKS if dead is None else LOOKS_BLIND)
        * max(facts.step, facts.off_calendar, 2 / _pace(facts, model.registry[0]))
        * JITTER
    )
    held = max(0.0, facts.purge + hold - visible) if hold else 0.0
    words = frozenset({"available"}) if facts.seen or whois else frozenset({"available", "unregistered"})
    return Bound(visible, looks + confirmation + held + wait + SLACK, max(FRESH, length) + 10.0, words)


def pass_length(facts: Facts) -> float:
    """Seconds of a whole pass."""
    dead = facts.dead
    alive = [method for method in facts.model.registry if dead is None or method != dead.method] or list(facts.model.registry)
    lengths = sorted(QUESTIONS / _pace(facts, method) for method in alive)
    quick = [length for length in lengths if length <= FRESH] or lengths[:1]
    return max(facts.gap, quick[-1]) + (dead.seconds or 0.0 if dead is not None else 0.0)


def wrong(facts: Facts, notices: list[tuple[float, str]], age: float) -> list[str]:
    """What was told and is not true, one sentence each. `age`: how old evidence may be, in seconds."""
    found = []
    announced = False
    for at, status in notices:
        life, since = facts.life, at - age
        if status == "available" and not life.free_between(since, at):
            found.append(f"'available' at {at - facts.purge:+.0f} s: {_truth(life, at)}")
        if status == "unregistered" and not life.absent_between(since, at):
            found.append(f"'unregistered' at {at - facts.purge:+.0f} s: {_truth(life, at)}")
        delegated = facts.purge <= at < facts.purge + life.lag + age  # a zone that is behind looks like a catch
        if status == "registered" and not delegated and not any(life.registered(moment) for moment in (since, at)):
            found.append(f"'registered' at {at - facts.purge:+.0f} s: {_truth(life, at)}")
        if status == "retracted" and announced and life.free(at) and not _stale(life, at, age):
            found.append(f"'retracted' at {at - facts.purge:+.0f} s: the alarm was true")
        announced = status in ("available", "unregistered") and life.absent_between(since, at)
    return found


def sinks(confidences: list[tuple[float, float]]) -> str:
    """A sentence where the confidence of an announced name, (time, confidence) in order, sinks below what it was at first."""
    if not confidences:
        return ""
    began, first = confidences[0]
    at, least = min(confidences, key=lambda pair: pair[1])
    return f"confidence {first:.4f} sank to {least:.4f} in {at - began:.0f} s" if least < first - WOBBLE else ""


def _stale(life: Life, at: float, age: float) -> bool:
    """Whether the registry itself shows an old record then."""
    return life.stale is not None and life.stale[1] <= at < life.stale[2] + age


def _hold(facts: Facts) -> float:
    """Seconds after the purge for which a calendar may hold the name; 0 where the registry shows its procedure."""
    hold, procedure, dead = facts.life.hold, facts.model.procedure(), facts.dead
    if hold is None or procedure is None:
        return 0.0
    shown = hold.shown & procedure.shown  # where a registry shows it now and then, the calendar has to stand in
    speaks = [method for method in shown if method in facts.model.registry and (dead is None or dead.method != method)]
    return 0.0 if speaks else procedure.longest_hold()


def _pace(facts: Facts, method: str) -> float:
    """Questions a second that the operator's budget allows, day in, day out; plenty without budgets."""
    if not facts.real:
        return 1000.0
    directory = ModelDirectory([facts.model], real=True)
    rdap = directory.rdap_server(facts.model.suffix)
    server = rdap.base if method == "rdap" and rdap is not None else directory.whois_server(facts.model.suffix) or ""
    limit = limit_for(method, host_of(server), {})
    pace = min(limit.rate, (limit.per_day or float("inf")) / 86_400)
    slowed = facts.dead is not None and facts.dead.method == method and facts.dead.kind in BACKOFF
    return max(1e-9, min(pace, FLOOR) if slowed else pace)


def _truth(life: Life, at: float) -> str:
    phase = life.at(at)
    if phase is not None:
        return f"it is registered ({phase.value})"
    if life.reserved:
        return "it is reserved"
    if life.hold is not None and life.hold.start <= at < life.hold.end:
        return f"its release procedure goes on for {life.hold.end - at:.0f} s"
    return "it is free"
