"""Whether the coordinator of each shard is heard, and which problem it is where one is not. Times in epoch seconds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from actors.control.instance_watch import Sight, leader_problem
from actors.control.member_watch import SILENT_AFTER
from common.core.coordinator.merged_status import ShardStatus
from common.core.telemetry.problems import Problem
from common.heartbeat import Heartbeat
from common.shard_settings import coordinator_name

#: Seconds after our own start in which others may still be starting.
GRACE = 30.0
#: Seconds without a status from the coordinator after which it counts as silent; it speaks every 2 s.
STATUS_LIMIT = 30.0
#: Seconds that a coordinator which beats may take to read its names: a million under load take one minute.
READING_LIMIT = 300.0
RESTART = "See its log; the supervisor starts it again, and a restart of the service does too."


class Heard(NamedTuple):
    """The seconds since a shard's coordinator was heard on the feed, None for never, and how many names it had then."""

    age: float | None
    names: int | None = None


def hear(status: ShardStatus | None) -> Heard:
    """What matters here of a status."""
    if status is None:
        return Heard(None)
    domains = status.content.get("domains")
    names = domains.get("total") if isinstance(domains, Mapping) else None
    return Heard(status.age, names if isinstance(names, int) else None)


def oldest_age(heard: Sequence[Heard]) -> float | None:
    """The age of the oldest status; None where a shard was never heard."""
    ages = [each.age for each in heard if each.age is not None]
    return max(ages) if len(ages) == len(heard) and ages else None


def coordinator_problems(sight: Sight, beats: Mapping[str, Heartbeat], heard: Sequence[Heard], now: float) -> Iterator[Problem]:
    """A problem for each shard that none leads, or whose coordinator is silent; `beats` are those of our own instance."""
    for shard, (age, names) in enumerate(heard):
        if sight.lacks_leader(shard, beats, age, now):
            yield leader_problem(sight, shard, age, now)
            continue
        began = _begin_of_reading(sight, shard, beats.get(coordinator_name(shard)), now)
        yield from _silence_problems(age, began, now, "" if len(heard) == 1 else _name_shard(shard, names))


def _name_shard(shard: int, names: int | None) -> str:
    return f"shard {shard}" if names is None else f"shard {shard} ({names:,} names)"


def _begin_of_reading(sight: Sight, shard: int, own: Heartbeat | None, now: float) -> float | None:
    """When the coordinator that leads a shard, and beats, was started or took over; None where none beats."""
    since, leading = sight.led_since[shard] if shard in sight.shards else 0.0, sight.leading(shard)
    if sight.follows(shard) and leading is not None:
        beat = leading.instance.coordinators.get(shard)
        return None if beat is None or leading.coordinator_age(shard) > SILENT_AFTER else max(beat.started_at, since)
    return None if own is None or own.silent(now) else max(own.started_at, since)


def _silence_problems(age: float | None, began: float | None, now: float, shard: str) -> Iterator[Problem]:
    """Problems where a status is old or missing. While it reads its names a restart would only begin that again."""
    if age is not None and age <= STATUS_LIMIT:
        return
    since, after = (0.0, GRACE) if age is None else (now - age, 0.0)
    of, about = (f" of {shard}", shard.partition(" (")[0]) if shard else ("", "")
    if began is not None and since < began and now - began <= READING_LIMIT:
        what, remedy = f"The coordinator{of} was started and still reads its names.", "Wait; it takes longer on a busy machine."
        yield Problem("coordinator_silent", what, remedy, about, unwatched=True, since=since, after=after)
        return
    what = (
        f"The last status of the coordinator{of} is {age:.0f} s old."
        if age and shard
        else f"The coordinator's last status is {age:.0f} s old."
        if age
        else f"The coordinator{of} has not been heard on the feed yet."
    )
    yield Problem("coordinator_silent", what, RESTART, about, restart_helps=True, unwatched=True, since=since, after=after)
