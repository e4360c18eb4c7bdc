"""What a fault is, and what all of them need."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

from tests.cluster.cluster import Cluster
from tests.cluster.instance import Instance


class Done(NamedTuple):
    """What was done.

    `takeover`, `unasked`, `away` and `delay` as in `records.Fault`, `unasked` as long as `takeover` where it is None;
    `harmless`: no notice may be late.
    """

    target: str
    takeover: float | None = None
    unasked: float | None = None
    harmless: bool = False
    away: float = 0.0
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault. `inject` returns once it is over; `share` is how often it comes, beside the others."""

    name: str
    inject: Callable[[Cluster], Awaitable[Done]]
    share: float = 1.0
    embedded: bool = False  # whether it needs the embedded store, and instances that share a host
    served: bool = False  # whether it needs a PostgreSQL and a network of namespaces
    clock: bool = False  # whether it needs a C compiler, for a clock that is off


class NothingToDoError(RuntimeError):
    """The cluster is not as this fault needs it."""


def leader_of(cluster: Cluster) -> Instance:
    """The instance that leads. Raises NothingToDoError."""
    found = cluster.leading()
    if found is None:
        raise NothingToDoError("no instance leads")
    return found[0]


def follower_of(cluster: Cluster) -> Instance:
    """One of those that do not. Raises NothingToDoError."""
    followers = [each for each in cluster.followers() if each.running]
    if not followers:
        raise NothingToDoError("no instance follows")
    return cluster.rng.choice(followers)


async def linger(cluster: Cluster, least: float, most: float) -> None:
    """Wait for some time between two numbers of seconds, the least where there is no time."""
    await asyncio.sleep(cluster.rng.uniform(least, least if cluster.quick else most))
