"""Faults of processes, of the receiver and of the proxy: what is done, and how long another instance may take to lead."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

from tests.cluster.cluster import Cluster
from tests.cluster.kinds import Done, Kind, follower_of, leader_of, linger
from tests.cluster.processes import is_stopped
from tests.lab.customer import CALLBACK_KEY

#: Seconds until another instance leads after a stop in order: workers and coordinator first end what they have begun.
STOPPED = 10.0
#: Seconds for which names may go unasked by that.
HANDED_OVER = 2.0
#: Seconds that an instance takes to start.
START = 15.0
#: How many seconds longer than a lease a pause lasts.
BEYOND = (1.0, 8.0)
#: Seconds that the next leader waits for a locked database and then copies it, small as it is here.
COPYING = 3.0
_WORKERS = (
    "notifier-0",
    "checker-fast-0",
    "checker-intermediate-0",
    "checker-deep-0",
    "control",
    "feed",
    "publications",
    "watchdog",
)


# kill -9


async def kill_leading_coordinator(cluster: Cluster) -> Done:
    """Kill -9 of the coordinator that leads."""
    leader = leader_of(cluster)
    await leader.signal(cluster.coordinator, signal.SIGKILL)
    return Done(leader.name, cluster.store.takeover)


async def kill_leading_instance(cluster: Cluster) -> Done:
    """Kill -9 of all processes of the instance that leads, as `docker kill`; it is started again after a while."""
    leader = leader_of(cluster)
    await leader.kill()
    await linger(cluster, 0.5, 9.0)
    await leader.start()
    return Done(leader.name, cluster.store.takeover)


async def replace_leading_instance(cluster: Cluster) -> Done:
    """The same, and another container takes its place, under another name."""
    leader = leader_of(cluster)
    await leader.kill()
    await linger(cluster, 0.0, 5.0)
    await cluster.drop_instance(leader)
    new = await cluster.add()
    return Done(f"{leader.name}, replaced by {new.name}", cluster.store.takeover)


async def kill_next_leader_too(cluster: Cluster) -> Done:
    """Kill -9 of the leading coordinator, and of the next one within a second of its first."""
    leader = leader_of(cluster)
    epoch = cluster.epochs()[-1].number
    await leader.signal(cluster.coordinator, signal.SIGKILL)
    following = await cluster.wait_for_epoch(epoch, cluster.store.takeover)
    if following is None:
        return Done(leader.name, cluster.store.takeover)
    await linger(cluster, 0.0, 1.0)
    await cluster.instances[following.instance].signal(cluster.coordinator, signal.SIGKILL)
    await _wait_for_last(cluster, following.number)
    return Done(f"{leader.name}, then {following.instance}", cluster.store.takeover)


async def kill_many_leaders(cluster: Cluster) -> Done:
    """Kill -9 of five leading coordinators, each within two seconds of its first."""
    began = cluster.epochs()[-1].number
    for epoch in range(began, began + 5):
        if epoch > began and await cluster.wait_for_epoch(epoch - 1, cluster.store.takeover) is None:
            break
        await linger(cluster, 0.0, 2.0)
        found = cluster.leading()
        if found is not None:
            await found[0].signal(cluster.coordinator, signal.SIGKILL)
    await _wait_for_last(cluster, cluster.epochs()[-1].number)
    return Done(f"{cluster.epochs()[-1].number - began} epochs", 2 * cluster.store.takeover)


async def _wait_for_last(cluster: Cluster, killed: int) -> None:
    """Until another epoch than the one that was killed last has begun."""
    if await cluster.wait_for_epoch(killed, 2 * cluster.store.takeover) is None:
        cluster.trouble.append(f"leader: none leads {2 * cluster.store.takeover:.0f} s after epoch {killed} was killed")


async def kill_everything(cluster: Cluster) -> Done:
    """Kill -9 of all instances at once, as when the power fails; all are started again."""
    instances = list(cluster.instances.values())
    await asyncio.gather(*(each.kill() for each in instances))
    away = cluster.rng.uniform(0.0, 4.0)
    await asyncio.sleep(away)
    for each in instances:
        await each.start()
    return Done("all", START + cluster.store.takeover, away=away)


async def kill_follower(cluster: Cluster) -> Done:
    """Kill -9 of all processes of a follower."""
    follower = follower_of(cluster)
    await follower.kill()
    await linger(cluster, 0.5, 5.0)
    await follower.start()
    return Done(follower.name)


async def kill_process(cluster: Cluster) -> Done:
    """Kill -9 of one process that is no coordinator, of any instance."""
    instance = cluster.rng.choice(list(cluster.instances.values()))
    process = cluster.rng.choice(_WORKERS)
    await instance.signal(process, signal.SIGKILL)
    return Done(f"{process} of {instance.name}")


async def kill_workers_everywhere(cluster: Cluster) -> Done:
    """Kill -9 of the notifiers, or of one pool of checkers, of all instances at once."""
    process = cluster.rng.choice(_WORKERS[:4])
    for instance in cluster.instances.values():
        await instance.signal(process, signal.SIGKILL)
    return Done(f"{process} of all")


async def kill_supervisord(cluster: Cluster) -> Done:
    """Kill -9 of the supervisord of the instance that leads: its processes end with it, and it ends."""
    leader = leader_of(cluster)
    await leader.signal("supervisord", signal.SIGKILL)
    await cluster.until(lambda: not leader.running, 20.0)
    await leader.start()
    return Done(leader.name, cluster.store.takeover)


# SIGSTOP


async def stop_leading_coordinator(cluster: Cluster) -> Done:
    """SIGSTOP of the leading coordinator beyond its lease, then SIGCONT; its watchdog may kill it first."""
    leader = leader_of(cluster)
    pid = await leader.signal(cluster.coordinator, signal.SIGSTOP)
    await linger(cluster, cluster.store.lease + BEYOND[0], cluster.store.lease + BEYOND[1])
    if (await leader.processes()).get(cluster.coordinator) == pid:
        await leader.signal(cluster.coordinator, signal.SIGCONT)
    return Done(leader.name, cluster.store.takeover)


async def pause_leading_instance(cluster: Cluster) -> Done:
    """SIGSTOP of all processes of the leading instance beyond the lease, as `docker pause`, then SIGCONT."""
    leader = leader_of(cluster)
    await leader.pause()
    await linger(cluster, cluster.store.lease + BEYOND[0], cluster.store.lease + BEYOND[1])
    await leader.resume()
    return Done(leader.name, cluster.store.takeover)


async def pause_leader_inside_a_transaction(cluster: Cluster) -> Done:
    """The same while its coordinator is in the middle of a transaction: the database stays locked until it goes on."""
    leader = leader_of(cluster)
    pid = (await leader.processes()).get(cluster.coordinator, 0)
    for tries in range(1, 2000):
        os.kill(pid, signal.SIGSTOP)
        await cluster.until(lambda: is_stopped(pid), 1.0, every=0.0005)
        if cluster.store.is_locked():
            await leader.pause()
            await linger(cluster, cluster.store.lease + BEYOND[0], cluster.store.lease + BEYOND[1])
            await leader.resume()
            return Done(f"{leader.name}, in stop {tries}", cluster.store.takeover + COPYING)
        os.kill(pid, signal.SIGCONT)
        await linger(cluster, 0.0, 0.03)
    return Done(f"{leader.name}, never met in a transaction", harmless=True)


async def pause_leader_at_the_edge(cluster: Cluster) -> Done:
    """The same for about as long as the lease lasts: it may be lost or not."""
    leader = leader_of(cluster)
    await leader.pause()
    await linger(cluster, cluster.store.lease - 2.5, cluster.store.lease + 1.0)
    await leader.resume()
    return Done(leader.name)


async def pause_follower(cluster: Cluster) -> Done:
    """SIGSTOP of all processes of a follower, whose workers hold tasks."""
    follower = follower_of(cluster)
    await follower.pause()
    await linger(cluster, 3.0, 14.0)
    await follower.resume()
    return Done(follower.name)


async def pause_notifier(cluster: Cluster) -> Done:
    """SIGSTOP of one notifier, perhaps with a callback in flight, for longer than its lease."""
    instance = cluster.rng.choice(list(cluster.instances.values()))
    await instance.signal("notifier-0", signal.SIGSTOP)
    await linger(cluster, 2.0, 12.0)
    await instance.signal("notifier-0", signal.SIGCONT)
    return Done(f"notifier-0 of {instance.name}")


# in order


async def stop_leader(cluster: Cluster) -> Done:
    """SIGTERM to the leading instance; it is started again after a while."""
    leader = leader_of(cluster)
    cluster.trouble += await leader.stop()
    await linger(cluster, 0.0, 4.0)
    await leader.start()
    return Done(leader.name, STOPPED, unasked=HANDED_OVER)


async def scale(cluster: Cluster) -> Done:
    """Scale to one instance, to five, and to three again."""
    epoch = cluster.epochs()[-1].number
    for _ in range(len(cluster.instances) - 1):
        await _end_one(cluster)
    lone = next(iter(cluster.instances.values()))
    if not lone.says_it_leads(cluster.aim) and await cluster.wait_for_epoch(epoch, cluster.store.takeover) is None:
        cluster.trouble.append(f"scaled to one: {lone.name} does not lead within {cluster.store.takeover:.0f} s")
    for _ in range(4):
        await cluster.add()
    await cluster.wait_until_calm(40.0)
    for _ in range(2):
        await _end_one(cluster)
    return Done("3 to 1 to 5 to 3")


async def _end_one(cluster: Cluster) -> None:
    instance = cluster.rng.choice(list(cluster.instances.values()))
    cluster.trouble += await instance.stop()
    await cluster.drop_instance(instance)


# beside the instances


def _receiver_fault(kind: str, delay: float | None = None) -> Callable[[Cluster], Awaitable[Done]]:
    async def inject(cluster: Cluster) -> Done:
        fault = cluster.lab.faults.add(CALLBACK_KEY, kind, delay=delay)
        await linger(cluster, 3.0, 9.0)
        cluster.lab.faults.end(fault)
        return Done(f"{fault.met} callbacks met it")

    return inject


async def kill_leader_while_receiver_is_down(cluster: Cluster) -> Done:
    """The receiver drops every connection, and meanwhile the leader is killed: what waits has to survive."""
    leader = leader_of(cluster)
    fault = cluster.lab.faults.add(CALLBACK_KEY, "reset")
    await leader.kill()
    await linger(cluster, 4.0, 10.0)
    cluster.lab.faults.end(fault)
    await leader.start()
    return Done(leader.name, cluster.store.takeover)


async def kill_leader_while_receiver_is_slow(cluster: Cluster) -> Done:
    """The receiver takes seconds to answer, and the leader is killed while a callback is in flight."""
    fault = cluster.lab.faults.add(CALLBACK_KEY, "delay", delay=2.0)
    met = await cluster.until(lambda: fault.met > 0, 10.0)
    leader = leader_of(cluster)
    await leader.kill()
    await linger(cluster, 1.0, 4.0)
    cluster.lab.faults.end(fault)
    await leader.start()
    return Done(leader.name + ("" if met else ", no callback in flight"), cluster.store.takeover)


async def kill_proxy(cluster: Cluster) -> Done:
    """Kill -9 of the proxy, which is started again at once."""
    await cluster.proxy.end(signal.SIGKILL)
    await cluster.proxy.start()
    return Done("proxy")


KINDS = (
    Kind("kill the leading coordinator", kill_leading_coordinator, 3),
    Kind("kill the leading instance", kill_leading_instance, 3),
    Kind("replace the leading instance", replace_leading_instance, 1),
    Kind("kill two leaders in a row", kill_next_leader_too, 2),
    Kind("kill many leaders in a row", kill_many_leaders, 1),
    Kind("kill all instances", kill_everything, 1),
    Kind("kill a follower", kill_follower, 1),
    Kind("kill a worker process", kill_process, 2),
    Kind("kill one pool everywhere", kill_workers_everywhere, 1),
    Kind("kill the leader's supervisord", kill_supervisord, 1),
    Kind("stop the leading coordinator", stop_leading_coordinator, 2),
    Kind("pause the leading instance", pause_leading_instance, 3),
    Kind("pause the leader in a write", pause_leader_inside_a_transaction, 1, embedded=True),
    Kind("pause the leader for a lease", pause_leader_at_the_edge, 2),
    Kind("pause a follower", pause_follower, 1),
    Kind("pause a notifier", pause_notifier, 1),
    Kind("stop the leader in order", stop_leader, 2),
    Kind("scale to 1, 5 and 3", scale, 0.5),
    Kind("receiver down", _receiver_fault("reset"), 0.5),
    Kind("receiver silent", _receiver_fault("silence"), 0.5),
    Kind("receiver slow", _receiver_fault("delay", 2.0), 0.5),
    Kind("receiver answers 500", _receiver_fault("500"), 0.5),
    Kind("kill the leader, receiver down", kill_leader_while_receiver_is_down, 1),
    Kind("kill the leader, receiver slow", kill_leader_while_receiver_is_slow, 1),
    Kind("kill the proxy", kill_proxy, 0.5, embedded=True),
)
