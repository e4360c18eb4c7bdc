"""What has to hold however the instances fail: pure functions over the records of a round, a sentence for each violation."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise, product
from types import MappingProxyType
from typing import NamedTuple

from tests.cluster.records import Epoch, Event, Fault, Limit, Post, Round
from tests.lab.queries import Query

#: Seconds over which queries are counted, and how far above its budget a count may be: they are counted where they arrive.
WINDOW, TOLERANCE = 10.0, 1.05


class Bounds(NamedTuple):
    """Stated bounds in seconds.

    `told`: from a purge to its notice, the time of faults not counted; `told_at_all`: with that time, but for what none could
    lead; `check`: between two checks of a steady name, where no other instance has to take over.
    """

    told: float = 20.0
    told_at_all: float = 60.0
    check: float = 4.0
    slack: float = 1.0  # factor for a busy machine


def check_round(found: Round, bounds: Bounds) -> list[str]:
    """Every violation of a round that is over."""
    return [
        *check_so_far(found, bounds),
        *find_lost_events(found.stored, found.posts),
        *find_vanished_events(found.seen.values(), found.stored),
    ]


def check_so_far(found: Round, bounds: Bounds) -> list[str]:
    """Every violation that may be looked for while the round goes on."""
    return [
        *find_second_ids(found.posts, found.seen.values()),
        *find_disorder(found.posts),
        *find_false_alarms(found.posts, found.freed),
        *find_untold(found, bounds),
        *find_late_leaders(found, bounds),
        *find_gaps(found, bounds),
        *find_excess(found.queries, found.limits, found.faults, found.egresses),
        *find_split_epochs(found.epochs),
    ]


# what is told


def find_lost_events(stored: Iterable[Event], posts: Iterable[Post]) -> list[str]:
    """Events that were recorded and never accepted by the receiver."""
    accepted = {post.event.id for post in posts if post.accepted}
    return [
        f"lost: {show(event)} is in the store and never reached the receiver" for event in stored if event.id not in accepted
    ]


def find_vanished_events(seen: Iterable[Event], stored: Iterable[Event]) -> list[str]:
    """Events that the store once had and has no more, or has otherwise."""
    now = {event.id: event for event in stored}
    gone = [event for event in seen if event.id not in now]
    changed = [event for event in seen if event.id in now and now[event.id] != event]
    return [f"vanished: {show(event)} was in the store" for event in gone] + [
        f"changed: {show(event)} reads otherwise in the store now" for event in changed
    ]


def find_second_ids(posts: Iterable[Post], stored: Iterable[Event] = ()) -> list[str]:
    """Notices that came under a second id, and ids that came with a second body or for a second notice."""
    ids: dict[tuple[str, int, str], set[str]] = defaultdict(set)
    bodies: dict[str, set[bytes]] = defaultdict(set)
    keys: dict[str, set[tuple[str, int, str]]] = defaultdict(set)
    for event in [*(post.event for post in posts), *stored]:
        ids[event.key].add(event.id)
        bodies[event.id].add(event.body)
        keys[event.id].add(event.key)
    return [
        *(f"second id: {key} came under {sorted(found)}" for key, found in ids.items() if len(found) > 1),
        *(f"second body: {sorted(keys[id_])} under {id_}" for id_, found in bodies.items() if len(found) > 1),
        *(f"one id for two notices: {id_} for {sorted(found)}" for id_, found in keys.items() if len(found) > 1),
    ]


def find_disorder(posts: Iterable[Post]) -> list[str]:
    """Notices of one name that were first accepted after a later one of the same name."""
    newest: dict[str, Event] = {}
    known: set[str] = set()
    found = []
    for post in sorted(posts):
        event = post.event
        if not post.accepted or event.id in known:
            continue
        known.add(event.id)
        before = newest.get(event.domain)
        if before is not None and before.generation >= event.generation:
            found.append(f"order: {show(event)} came after {show(before)}")
        newest[event.domain] = event
    return found


def find_false_alarms(posts: Iterable[Post], freed: dict[str, list[float]]) -> list[str]:
    """More notices "available" of a name than the lab has freed it until then."""
    alarms: dict[str, set[str]] = defaultdict(set)
    found = []
    for post in sorted(posts):
        event = post.event
        if event.kind != "available" or event.id in alarms[event.domain]:
            continue
        alarms[event.domain].add(event.id)
        times = bisect_right(freed.get(event.domain, []), post.at)
        if len(alarms[event.domain]) > times:
            found.append(f"false alarm: {show(event)}, the lab has freed it {times} times by then")
    return found


def told_at(found: Round) -> dict[tuple[str, int], float]:
    """When each freeing of a name was told, by name and its number from 0."""
    first: dict[str, dict[str, float]] = defaultdict(dict)
    for post in sorted(found.posts):
        if post.accepted and post.event.kind == "available":
            first[post.event.domain].setdefault(post.event.id, post.at)
    return {(name, number): at for name, ids in first.items() for number, at in enumerate(ids.values())}


def find_untold(found: Round, bounds: Bounds) -> list[str]:
    """Names that were freed and not told within the bound, the time of faults not counted."""
    told = told_at(found)
    late = []
    for name, times in found.freed.items():
        for number, freed in enumerate(times):
            at = told.get((name, number))
            end = found.until if at is None else at
            quiet = end - freed - covered(found.faults, freed, end)
            away = sum(fault.away for fault in found.faults if fault.began < end and fault.over > freed)
            if quiet > bounds.told * bounds.slack or end - freed - away > bounds.told_at_all * bounds.slack:
                word = "was not told by now" if at is None else "was told late"
                late.append(f"late: {name} {word}, {end - freed:.1f} s after its purge, {quiet:.1f} s of them without a fault")
    return late


def covered(faults: Iterable[Fault], begin: float, end: float) -> float:
    """Seconds between `begin` and `end` in which some fault may have had effects."""
    total, reached = 0.0, begin
    for fault in sorted(faults, key=lambda fault: fault.began):
        start, stop = max(fault.began, reached), min(fault.over, end)
        if stop > start:
            total += stop - start
            reached = stop
    return total


# who leads


def next_leader(fault: Fault, epochs: Sequence[Epoch]) -> Epoch | None:
    """The first epoch that began after a fault."""
    later = (epoch for epoch in sorted(epochs) if epoch.shard == fault.shard and epoch.number > fault.led_by)
    return next(later, None)


def find_late_leaders(found: Round, bounds: Bounds) -> list[str]:
    """Faults after which it took too long until another instance led."""
    late = []
    for fault in found.faults:
        if fault.takeover is None:
            continue
        epoch, allowed = next_leader(fault, found.epochs), fault.away + fault.takeover * bounds.slack
        took = (found.until if epoch is None else epoch.at) - fault.began
        if took > allowed:
            word = "no instance leads" if epoch is None else f"{epoch.instance} leads"
            late.append(f"leader: {word} {took:.1f} s after {name_of(fault)}, {allowed:.0f} s allowed")
    return late


def find_split_epochs(epochs: Iterable[Epoch]) -> list[str]:
    """Epochs that two instances, or two runs of one, have begun."""
    counts = Counter((epoch.shard, epoch.number) for epoch in epochs)
    return [
        f"split: epoch {number} of shard {shard} was begun {count} times"
        for (shard, number), count in counts.items()
        if count > 1
    ]


# what is asked


def longest_gap(times: Sequence[float], begin: float, end: float) -> float:
    """Seconds of the longest silence that ends between `begin` and `end`, or goes on at the end; the times are sorted."""
    first, last = bisect_right(times, begin), bisect_right(times, end)
    inside = [times[first - 1] if first else begin, *times[first:last], end]
    return max((later - earlier for earlier, later in pairwise(inside)), default=0.0)


def gaps_of(fault: Fault, asked: Mapping[str, Sequence[float]], until: float) -> dict[str, float]:
    """The longest time without a query about each name around a fault."""
    end = min(until, max(fault.over, fault.began + fault.away + (fault.unasked or 0.0)))
    return {name: longest_gap(times, fault.began, end) for name, times in asked.items()}


def find_gaps(found: Round, bounds: Bounds) -> list[str]:
    """Steady names that nothing asked about for too long, by the lab's query log."""
    long = []
    asked = times_by_name(found.queries, found.steady)
    for fault in found.faults:
        if fault.unasked is None:
            continue
        allowed = fault.away + (fault.unasked + bounds.check) * bounds.slack
        for name, gap in gaps_of(fault, asked, found.until).items():
            if gap > allowed:
                long.append(f"gap: {name} was not asked about for {gap:.1f} s around {name_of(fault)}, {allowed:.0f} s allowed")
    return long


def times_by_name(queries: Iterable[Query], names: Iterable[str]) -> dict[str, list[float]]:
    """When each name was asked about, whatever server was asked."""
    times: dict[str, list[float]] = {name: [] for name in names}
    for query in queries:
        if query.name in times:
            times[query.name].append(query.at)
    return times


def peak(times: Sequence[float], window: float = WINDOW) -> tuple[int, float]:
    """The most of sorted times inside any `window` seconds, and when that window began."""
    best, at, begin = 0, 0.0, 0
    for end, moment in enumerate(times):
        while moment - times[begin] >= window:
            begin += 1
        if end - begin + 1 > best:
            best, at = end - begin + 1, times[begin]
    return best, at


def allowed_in(limit: Limit, window: float = WINDOW) -> float:
    """How many queries a budget lets through in so many seconds: a burst, and what comes in meanwhile."""
    return (limit.burst + limit.rate * window) * TOLERANCE


def find_excess(
    queries: Iterable[Query],
    limits: dict[tuple[str, ...], Limit],
    faults: Iterable[Fault] = (),
    egresses: Mapping[str, str] = MappingProxyType({}),
) -> list[str]:
    """Servers that got more queries from one egress than their budget in some ten seconds, whichever instance sent them.

    Those that a slow link held back arrive together. `egresses` by address; all others share one.
    """
    delays = [fault for fault in faults if fault.delay]
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for query in queries:
        times[query.server, egresses.get(query.source, "")].append(query.at)
    found = []
    for (servers, limit), egress in product(limits.items(), sorted({egress for _, egress in times})):
        count, at = peak(sorted(moment for server in servers for moment in times[server, egress]))
        delay = max((fault.delay for fault in delays if fault.began - WINDOW < at < fault.over), default=0.0)
        allowed = allowed_in(limit, WINDOW + delay)
        if count > allowed:
            source = f" from {egress}" * bool(egress)
            what = f"{'+'.join(servers)} got {count} queries{source} in {WINDOW:.0f} s from {at:.2f} on"
            found.append(f"budget: {what}, {allowed:.1f} allowed")
    return found


def show(event: Event) -> str:
    """An event in a few words."""
    return f"{event.domain} generation {event.generation} {event.kind!r} ({event.id[:8]})"


def name_of(fault: Fault) -> str:
    """A fault in a few words."""
    return f"fault {fault.number} ({fault.kind}, {fault.target})"
