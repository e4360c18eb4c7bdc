"""Runs a case and checks it against the oracle."""

from __future__ import annotations

from dataclasses import dataclass, field

from common.core.model.evidence import Phase
from tests.sim import oracle
from tests.sim.cases import Case
from tests.sim.dead_channels import Dead
from tests.sim.lives import iso
from tests.sim.oracle import Bound, bound_of
from tests.sim.registry_world import RegistryWorld
from tests.sim.suffix_models import DAY, HOUR

#: Seconds for which an announced name is followed, and between two looks at its confidence.
AFTER, SAMPLE = 1800.0, 60.0
#: A procedure longer than this is slept through, but for its first day and its last hours.
LONG = 4 * DAY


@dataclass(slots=True)
class Row:
    """What came of a case: `ending` is told, late, missed, false, sank or quiet (nothing had to be told, and nothing was)."""

    seed: int
    trouble: str
    ending: str
    delay: float = 0.0
    bound: float = 0.0
    step: float = 0.0
    violations: list[str] = field(default_factory=list)
    story: list[str] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """The delay as a share of the bound."""
        return self.delay / self.bound if self.bound else 0.0


def run(case: Case, world: RegistryWorld | None = None) -> Row:
    """Run a case to its end and check it against the oracle."""
    world = world or world_of(case)
    facts, bound = case.facts, bound_of(case.facts)
    world.lies.extend(case.lies)
    world.live(case.domain, facts.life, priority=case.priority)
    _sleep_through(world, case)
    confidences: list[tuple[float, float]] = []
    if bound is None:
        world.run(case.end - world.now)
    else:
        _wait(world, case, bound)
        if _told(world, case, bound) is not None:
            confidences = _follow(world, case)
    return _judge(world, case, bound, confidences)


def world_of(case: Case) -> RegistryWorld:
    """The world of a case at its beginning."""
    facts = case.facts
    dead = {facts.model.suffix: [facts.dead]} if facts.dead is not None else {}
    step = {"priority": case.interval} if case.priority else {"interval": case.interval}
    limits = {} if facts.real else None
    return RegistryWorld([facts.model], case.seed, dead=dead, real=facts.real, limits=limits, start=facts.begin, **step)


def _sleep_through(world: RegistryWorld, case: Case) -> None:
    """A release procedure that lasts weeks: the service is off for most of it."""
    hold = case.facts.life.hold
    if hold is not None and hold.end - hold.start > LONG:
        world.run(hold.start + DAY - world.now)
        world.sleep(hold.end - 6 * HOUR)


def _wait(world: RegistryWorld, case: Case, bound: Bound) -> None:
    """Until it is told, or half as long again as it may take once visible; a calendar's long hold is slept through too."""
    end = bound.latest + 0.5 * min(bound.seconds, 6 * HOUR) + 300.0

    def told() -> bool:
        return _told(world, case, bound) is not None

    if bound.seconds > LONG:
        world.run_until(told, bound.visible + DAY / 2, 600.0)
        if not told():
            world.sleep(bound.latest - DAY / 2)
    world.run_until(told, end, max(20.0, (end - world.now) / 300))


def _told(world: RegistryWorld, case: Case, bound: Bound) -> float | None:
    """When the name was told, by a word that will do, no earlier than it was gone."""
    since = case.facts.purge - 1.0
    return next((at for at, status in world.notices_of(case.domain) if status in bound.words and at >= since), None)


def _follow(world: RegistryWorld, case: Case) -> list[tuple[float, float]]:
    """What the confidence does while nothing changes; then perhaps a catch."""
    life, began = case.facts.life, world.now
    until = began + (case.caught if case.caught is not None else AFTER)
    seen = [(began, world.entry(case.domain).confidence)]
    while world.now < until:
        world.run(min(SAMPLE, until - world.now))
        seen.append((world.now, world.entry(case.domain).confidence))
    if case.caught is not None and life.free(world.now):
        life.changes.append((world.now, Phase.ACTIVE))
        world.run(3 * case.interval * oracle.JITTER + HOUR)
    return seen


def _judge(world: RegistryWorld, case: Case, bound: Bound | None, confidences: list[tuple[float, float]]) -> Row:
    facts = case.facts
    notices = world.notices_of(case.domain)
    age = bound.age if bound is not None else max(oracle.FRESH, oracle.pass_length(facts)) + 10.0
    row = Row(case.seed, case.trouble, "quiet", step=facts.step)
    lies = oracle.wrong(facts, notices, age)
    if bound is not None:
        told = _told(world, case, bound)
        row.bound = bound.seconds
        row.delay = max(0.0, (told if told is not None else world.now) - bound.visible)
        row.ending = "missed" if told is None else "late" if told > bound.latest else "told"
        if row.ending != "told":
            word = "/".join(sorted(bound.words))
            row.violations.append(f"{row.ending}: {word} within {bound.seconds:.0f} s, {row.delay:.0f} s after it was visible")
        # the registry itself, or a zone that is behind and was dead, says otherwise for a while
        contradicted = told is not None and told < max(facts.stale_until, facts.purge + facts.life.lag)
        if not contradicted and (sank := oracle.sinks(confidences)):
            row.violations.append(f"sank: {sank}")
            row.ending = row.ending if row.ending != "told" else "sank"
    if lies:
        row.ending = "false"
        row.violations += [f"false: {lie}" for lie in lies]
    row.story = _story(world, case, bound) if row.violations else []
    return row


def _story(world: RegistryWorld, case: Case, bound: Bound | None) -> list[str]:
    """A short time line for people: times in seconds after the purge."""
    facts = case.facts
    lines = [
        f"seed {case.seed}: {case}",
        f"  times after {iso(facts.purge)}, the purge; the service begins at {facts.begin - facts.purge:+.0f} s",
    ]
    events = [(at, f"the registry: {phase.value if phase else 'no object'}") for at, phase in facts.life.changes if at > 0]
    if facts.life.hold is not None:
        shown = ", ".join(sorted(facts.life.hold.shown)) or "no channel"
        events.append((facts.life.hold.end, f"the release procedure ends (shown by {shown})"))
    events += [
        (lie.since, f"{lie.method} lies about {lie.domain or 'everything'} until {lie.until - facts.purge:+.0f} s")
        for lie in case.lies
    ]
    if facts.life.stale is not None:
        method, since, until = facts.life.stale
        events.append((since, f"{method} shows the old record until {until - facts.purge:+.0f} s"))
    events += _spans(facts.dead)
    events += [(at, f"TOLD {status}") for at, status in world.notices_of(case.domain)]
    if bound is not None:
        events += [(bound.visible, "visible"), (bound.latest, f"to be told by now ({'/'.join(sorted(bound.words))})")]
    lines += [f"  {at - facts.purge:+12.0f}  {text}" for at, text in sorted(events)]
    entry = world.entry(case.domain)
    said = {method: item.observation.reading.finding for method, item in sorted(entry.detail.evidence.items())}
    stands = f"{entry.state.value} {entry.confidence}, {len(entry.detail.passes)} passes, {said}"
    lines.append(f"  {world.now - facts.purge:+12.0f}  end: {stands}")
    lines.append(f"  {'':12}  {entry.detail.reason}; gates: {'; '.join(entry.detail.gates) or 'none'}")
    return lines


def _spans(dead: Dead | None) -> list[tuple[float, str]]:
    if dead is None:
        return []
    spans = ((dead.since, f"{dead.method} is dead ({dead.kind})"), (dead.until, f"{dead.method} works again"))
    return [(at, text) for at, text in spans if abs(at) != float("inf")]
