"""Faults between the instances and a PostgreSQL, of that server, and of clocks."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing

from tests.cluster.checker_hosts import CheckerHost
from tests.cluster.cluster import Cluster
from tests.cluster.instance import Instance
from tests.cluster.kinds import Done, Kind, NothingToDoError, leader_of, linger
from tests.cluster.stores import ServedStore

#: Seconds until every name is checked again after a clock that was ahead: times that it planned are brought nearer than the
#: longest wait of a name with priority, and stay spread (`DueTimes.clamp_times`).
SPREAD = 45.0
#: Seconds for which the store is away at the longest.
AWAY = 150.0
#: Seconds by which a bad link delays a query: what waits for the link, and a packet that is sent again once or twice.
HELD_BACK = 3.0


def _served(cluster: Cluster) -> ServedStore:
    if not isinstance(cluster.store, ServedStore):
        raise NothingToDoError("the store is no PostgreSQL")
    return cluster.store


async def cut_leader_off_store(cluster: Cluster) -> Done:
    """No packet passes between the leading instance and the store, without a word, for longer than the lease."""
    store, leader = _served(cluster), leader_of(cluster)
    await leader.host.cut(store.address, "-p", "tcp")
    await linger(cluster, store.lease + 2.0, store.lease + 12.0)
    await leader.host.heal()
    return Done(leader.name, store.takeover)


async def cut_leader_off_store_briefly(cluster: Cluster) -> Done:
    """The same for less than a lease."""
    store, leader = _served(cluster), leader_of(cluster)
    await leader.host.cut(store.address, "-p", "tcp")
    await linger(cluster, 1.0, store.lease - 5.0)
    await leader.host.heal()
    return Done(leader.name)


async def cut_followers_off_store(cluster: Cluster) -> Done:
    """The same for all others: there is no other leader, and none is needed."""
    store, leader = _served(cluster), leader_of(cluster)
    others = [each for each in cluster.instances.values() if each is not leader]
    for each in others:
        await each.host.cut(store.address, "-p", "tcp")
    await linger(cluster, 3.0, store.lease + 5.0)
    for each in others:
        await each.host.heal()
    return Done(", ".join(each.name for each in others))


async def lose_packets(cluster: Cluster) -> Done:
    """A tenth to a third of the packets between the leading instance and the store is lost."""
    store, leader = _served(cluster), leader_of(cluster)
    share = f"{cluster.rng.uniform(0.1, 0.33):.2f}"
    await leader.host.cut(store.address, "-p", "tcp", "-m", "statistic", "--mode", "random", "--probability", share)
    await linger(cluster, 10.0, 20.0)
    await leader.host.heal()
    return Done(f"{leader.name}, {share} of the packets", delay=HELD_BACK)


async def slow_down_leader(cluster: Cluster) -> Done:
    """All that the leading instance sends passes a slow link."""
    _served(cluster)
    leader = leader_of(cluster)
    rate = cluster.rng.choice(("64kbit", "128kbit", "256kbit"))
    await leader.host.slow(rate, "800ms")
    await linger(cluster, 10.0, 20.0)
    await leader.host.heal()
    return Done(f"{leader.name}, {rate}", delay=HELD_BACK)


async def restart_store(cluster: Cluster) -> Done:
    """The server is stopped at once, as by a crash, and started again."""
    store = _served(cluster)
    await asyncio.to_thread(store.server.restart)
    return Done("store")


async def stop_store(cluster: Cluster) -> Done:
    """The server is gone for longer than a lease: the leader goes on, or none leads where an instance was killed before."""
    store = _served(cluster)
    away = cluster.rng.uniform(store.lease + 2.0, store.lease + 12.0)
    await asyncio.to_thread(store.server.stop)
    await asyncio.sleep(away)
    await asyncio.to_thread(store.server.start)
    return Done(f"store, for {away:.0f} s", unasked=store.takeover, away=away)


async def stop_store_for_minutes(cluster: Cluster) -> Done:
    """The server is gone for minutes: the same leads afterwards, or another one soon, however long that took."""
    store = _served(cluster)
    await asyncio.to_thread(store.server.stop)
    await asyncio.sleep(AWAY)
    await asyncio.to_thread(store.server.start)
    return Done("store", unasked=store.takeover, away=AWAY)


async def cut_all_off_store(cluster: Cluster) -> Done:
    """No packet passes between any instance and the store, without a word, for a minute."""
    store = _served(cluster)
    for each in cluster.instances.values():
        await each.host.cut(store.address, "-p", "tcp")
    away = cluster.rng.uniform(40.0, 60.0)
    await asyncio.sleep(away)
    for each in cluster.instances.values():
        await each.host.heal()
    return Done(f"all, for {away:.0f} s", unasked=store.takeover, away=away)


async def hold_snapshot(cluster: Cluster) -> Done:
    """A transaction of another program holds a snapshot for minutes while names drop: nothing may come late by it."""
    store = _served(cluster)
    with closing(await asyncio.to_thread(store.server.connect)) as reader:
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM domain")
        await linger(cluster, 90.0, 150.0)
        reader.execute("ROLLBACK")
    return Done("store", harmless=True)


async def lead_with_wrong_clock(cluster: Cluster) -> Done:
    """An instance with a clock that is off by minutes leads for a while, and then one with the right time again."""
    leader = leader_of(cluster)
    offset = cluster.rng.choice((-240.0, -90.0, 90.0, 240.0))
    others = [each for each in cluster.instances.values() if each is not leader]
    for each in others:
        cluster.trouble += await each.stop()
    odd = others[0]
    await odd.start(offset)
    await cluster.until(lambda: any(line.event == "instance_follows" for line in odd.read_log()), 20.0)
    epoch = cluster.epochs()[-1].number
    await leader.kill()
    await cluster.wait_for_epoch(epoch, cluster.store.takeover)
    for each in cluster.instances.values():
        if not each.running:
            await each.start()
    await linger(cluster, 10.0, 20.0)
    await odd.kill()
    ended = time.time()
    await linger(cluster, 0.0, 3.0)
    await odd.start()
    if not await cluster.until(lambda: cluster.all_asked_since(ended), SPREAD, every=0.5):
        cluster.trouble.append(
            f"clock: a steady name was not asked about {SPREAD:.0f} s after one that was {offset:+.0f} s off"
        )
    return Done(f"{odd.name}, by {offset:+.0f} s")


async def cut_two_hosts(cluster: Cluster) -> Done:
    """Two hosts do not reach each other, but the store: the leader goes on, with the checkers that it still has."""
    _served(cluster)
    places: list[Instance | CheckerHost] = [*cluster.instances.values(), *cluster.checker_hosts]
    one, other = cluster.rng.sample(places, 2)
    await one.host.cut(other.host.address)
    await linger(cluster, 3.0, 25.0)
    await one.host.heal()
    return Done(f"{one.name} and {other.name}")


async def cut_leader_off_others(cluster: Cluster) -> Done:
    """The leading instance reaches the store, and no other host: it goes on leading, alone."""
    _served(cluster)
    leader = leader_of(cluster)
    others: list[Instance | CheckerHost] = [*cluster.instances.values(), *cluster.checker_hosts]
    for each in others:
        if each is not leader:
            await leader.host.cut(each.host.address)
    await linger(cluster, 5.0, 25.0)
    await leader.host.heal()
    return Done(leader.name)


async def cut_checkers_off(cluster: Cluster) -> Done:
    """A host of checkers is cut off from all instances, without a word."""
    checkers = _checkers(cluster)
    for each in cluster.instances.values():
        await checkers.host.cut(each.host.address)
    await linger(cluster, 5.0, 25.0)
    await checkers.host.heal()
    return Done(checkers.name)


async def cut_checkers_off_leader(cluster: Cluster) -> Done:
    """A host of checkers reaches all instances but the one that leads."""
    checkers, leader = _checkers(cluster), leader_of(cluster)
    await checkers.host.cut(leader.host.address)
    await linger(cluster, 5.0, 25.0)
    await checkers.host.heal()
    return Done(f"{checkers.name} and {leader.name}")


async def lose_packets_of_checkers(cluster: Cluster) -> Done:
    """A tenth to a third of the packets between a host of checkers and everything else is lost, its link is slow."""
    checkers = _checkers(cluster)
    share = f"{cluster.rng.uniform(0.1, 0.33):.2f}"
    for each in cluster.instances.values():
        await checkers.host.cut(each.host.address, "-m", "statistic", "--mode", "random", "--probability", share)
    await checkers.host.slow("256kbit", "800ms")
    await linger(cluster, 10.0, 20.0)
    await checkers.host.heal()
    return Done(f"{checkers.name}, {share} of the packets", delay=HELD_BACK)


async def kill_checkers(cluster: Cluster) -> Done:
    """Kill -9 of all processes of a host of checkers."""
    checkers = _checkers(cluster)
    await checkers.kill()
    return Done(checkers.name)


async def kill_leader_of_checkers_cut_off(cluster: Cluster) -> Done:
    """The leading instance is killed while one host of checkers cannot see it: it finds the next one by itself."""
    checkers, leader = _checkers(cluster), leader_of(cluster)
    alive = cluster.rng.uniform(0.0, 8.0)
    await checkers.host.cut(leader.host.address)
    await asyncio.sleep(alive)
    await leader.kill()
    await linger(cluster, 2.0, 6.0)
    await leader.start()
    await checkers.host.heal()
    return Done(f"{leader.name}, {checkers.name}", cluster.store.takeover, away=alive)


def _checkers(cluster: Cluster) -> CheckerHost:
    if not cluster.checker_hosts:
        raise NothingToDoError("no host has checkers alone")
    return cluster.rng.choice(cluster.checker_hosts)


LINK_KINDS = (
    Kind("cut checkers off", cut_checkers_off, 1),
    Kind("cut checkers off the leader", cut_checkers_off_leader, 1),
    Kind("lose packets of checkers", lose_packets_of_checkers, 1),
    Kind("kill a host of checkers", kill_checkers, 1),
    Kind("kill the leader, checkers cut off", kill_leader_of_checkers_cut_off, 1),
)
STORE_KINDS = (
    Kind("cut two hosts off each other", cut_two_hosts, 2, served=True),
    Kind("cut the leader off the others", cut_leader_off_others, 1, served=True),
    Kind("cut the leader off the store", cut_leader_off_store, 2, served=True),
    Kind("cut the leader off, briefly", cut_leader_off_store_briefly, 1, served=True),
    Kind("cut the others off the store", cut_followers_off_store, 1, served=True),
    Kind("lose packets to the store", lose_packets, 1, served=True),
    Kind("slow down the leader's link", slow_down_leader, 1, served=True),
    Kind("restart the store", restart_store, 2, served=True),
    Kind("stop the store for a while", stop_store, 2, served=True),
    Kind("stop the store for minutes", stop_store_for_minutes, 0.2, served=True),
    Kind("cut all off the store", cut_all_off_store, 0.5, served=True),
    Kind("hold a snapshot", hold_snapshot, 0.3, served=True),
    Kind("lead with a wrong clock", lead_with_wrong_clock, 1, served=True, clock=True),
)
