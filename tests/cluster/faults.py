"""The faults: what is done to a cluster, and how long another instance may take to lead after it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

from tests.cluster.cluster import Cluster
from tests.cluster.instance import Instance
from tests.lab.customer import CALLBACK_KEY

#: Seconds until another instance leads, on one host: after a death or a hang, and after a stop in order.
TAKEOVER, STOPPED = 10.0, 10.0
#: Seconds for which a lease lasts after its last renewal (`common.processes.leases`), and how long faults are to outlast it.
LEASE, BEYOND = 6.0, (1.0, 8.0)
_WORKERS = ("notifier-0", "checker-fast-0", "checker-intermediate-0", "checker-deep-0", "control", "feed", "watchdog")


class Done(NamedTuple):
    """What was done. `takeover`: seconds until another instance has to lead, None where that is not necessary."""

    target: str
    takeover: float | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault. `inject` returns once it is over; `share` is how often it comes, beside the others."""

    name: str
    inject: Callable[[Cluster], Awaitable[Done]]
    share: float = 1.0


class NothingToDoError(RuntimeError):
    """The cluster is not as this fault needs it."""


def _leader(cluster: Cluster) -> Instance:
    found = cluster.leading()
    if found is None:
        raise NothingToDoError("no instance leads")
    return found[0]


def _follower(cluster: Cluster) -> Instance:
    followers = [each for each in cluster.followers() if each.running]
    if not followers:
        raise NothingToDoError("no instance follows")
    return cluster.rng.choice(followers)


# kill -9


async def kill_leading_coordinator(cluster: Cluster) -> Done:
    """Kill -9 of the coordinator that leads."""
    leader = _leader(cluster)
    await leader.signal("coordinator", signal.SIGKILL)
    return Done(leader.name, TAKEOVER)


async def kill_leading_instance(cluster: Cluster) -> Done:
    """Kill -9 of all processes of the instance that leads, as `docker kill`; it is started again after a while."""
    leader = _leader(cluster)
    await leader.kill()
    await _sleep(cluster, 0.5, 9.0)
    await leader.start()
    return Done(leader.name, TAKEOVER)


async def replace_leading_instance(cluster: Cluster) -> Done:
    """The same, and another container takes its place, under another name."""
    leader = _leader(cluster)
    await leader.kill()
    await _sleep(cluster, 0.0, 5.0)
    cluster.drop_instance(leader)
    new = await cluster.add()
    return Done(f"{leader.name}, replaced by {new.name}", TAKEOVER)


async def kill_next_leader_too(cluster: Cluster) -> Done:
    """Kill -9 of the leading coordinator, and of the next one within a second of its first."""
    leader = _leader(cluster)
    epoch = cluster.epochs()[-1].number
    await leader.signal("coordinator", signal.SIGKILL)
    following = await cluster.wait_for_epoch(epoch, TAKEOVER)
    if following is None:
        return Done(leader.name, TAKEOVER)
    await _sleep(cluster, 0.0, 1.0)
    await cluster.instances[following.instance].signal("coordinator", signal.SIGKILL)
    return Done(f"{leader.name}, then {following.instance}", TAKEOVER)


async def kill_follower(cluster: Cluster) -> Done:
    """Kill -9 of all processes of a follower."""
    follower = _follower(cluster)
    await follower.kill()
    await _sleep(cluster, 0.5, 5.0)
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
    leader = _leader(cluster)
    await leader.signal("supervisord", signal.SIGKILL)
    await cluster.until(lambda: not leader.running, 20.0)
    await leader.start()
    return Done(leader.name, TAKEOVER)


# SIGSTOP


async def stop_leading_coordinator(cluster: Cluster) -> Done:
    """SIGSTOP of the leading coordinator beyond its lease, then SIGCONT; its watchdog may kill it first."""
    leader = _leader(cluster)
    pid = await leader.signal("coordinator", signal.SIGSTOP)
    await _sleep(cluster, LEASE + BEYOND[0], LEASE + BEYOND[1])
    if (await leader.processes()).get("coordinator") == pid:
        await leader.signal("coordinator", signal.SIGCONT)
    return Done(leader.name, TAKEOVER)


async def pause_leading_instance(cluster: Cluster) -> Done:
    """SIGSTOP of all processes of the leading instance beyond the lease, as `docker pause`, then SIGCONT."""
    leader = _leader(cluster)
    await leader.pause()
    await _sleep(cluster, LEASE + BEYOND[0], LEASE + BEYOND[1])
    await leader.resume()
    return Done(leader.name, TAKEOVER)


async def pause_leader_at_the_edge(cluster: Cluster) -> Done:
    """The same for about as long as the lease lasts: it may be lost or not."""
    leader = _leader(cluster)
    await leader.pause()
    await _sleep(cluster, LEASE - 2.5, LEASE + 1.0)
    await leader.resume()
    return Done(leader.name)


async def pause_follower(cluster: Cluster) -> Done:
    """SIGSTOP of all processes of a follower, whose workers hold tasks."""
    follower = _follower(cluster)
    await follower.pause()
    await _sleep(cluster, 3.0, 14.0)
    await follower.resume()
    return Done(follower.name)


async def pause_notifier(cluster: Cluster) -> Done:
    """SIGSTOP of one notifier, perhaps with a callback in flight, for longer than its lease."""
    instance = cluster.rng.choice(list(cluster.instances.values()))
    await instance.signal("notifier-0", signal.SIGSTOP)
    await _sleep(cluster, 2.0, 12.0)
    await instance.signal("notifier-0", signal.SIGCONT)
    return Done(f"notifier-0 of {instance.name}")


# in order


async def stop_leader(cluster: Cluster) -> Done:
    """SIGTERM to the leading instance; it is started again after a while."""
    leader = _leader(cluster)
    cluster.trouble += await leader.stop()
    await _sleep(cluster, 0.0, 4.0)
    await leader.start()
    return Done(leader.name, STOPPED)


async def scale(cluster: Cluster) -> Done:
    """Scale to one instance, to five, and to three again."""
    epoch = cluster.epochs()[-1].number
    for _ in range(len(cluster.instances) - 1):
        await _end_one(cluster)
    lone = next(iter(cluster.instances.values()))
    if not lone.says_it_leads() and await cluster.wait_for_epoch(epoch, TAKEOVER) is None:
        cluster.trouble.append(f"scaled to one: {lone.name} does not lead within {TAKEOVER:.0f} s")
    for _ in range(4):
        await cluster.add()
    await cluster.wait_until_calm(40.0)
    for _ in range(2):
        await _end_one(cluster)
    return Done("3 to 1 to 5 to 3")


async def _end_one(cluster: Cluster) -> None:
    instance = cluster.rng.choice(list(cluster.instances.values()))
    cluster.trouble += await instance.stop()
    cluster.read_logs()
    cluster.drop_instance(instance)


# beside the instances


def _receiver_fault(kind: str, delay: float | None = None) -> Callable[[Cluster], Awaitable[Done]]:
    async def inject(cluster: Cluster) -> Done:
        fault = cluster.lab.faults.add(CALLBACK_KEY, kind, delay=delay)
        await _sleep(cluster, 3.0, 9.0)
        cluster.lab.faults.end(fault)
        return Done(f"{fault.met} callbacks met it")

    return inject


async def kill_leader_while_receiver_is_down(cluster: Cluster) -> Done:
    """The receiver drops every connection, and meanwhile the leader is killed: what waits has to survive."""
    leader = _leader(cluster)
    fault = cluster.lab.faults.add(CALLBACK_KEY, "reset")
    await leader.kill()
    await _sleep(cluster, 4.0, 10.0)
    cluster.lab.faults.end(fault)
    await leader.start()
    return Done(leader.name, TAKEOVER)


async def kill_leader_while_receiver_is_slow(cluster: Cluster) -> Done:
    """The receiver takes seconds to answer, and the leader is killed while a callback is in flight."""
    fault = cluster.lab.faults.add(CALLBACK_KEY, "delay", delay=2.0)
    met = await cluster.until(lambda: fault.met > 0, 10.0)
    leader = _leader(cluster)
    await leader.kill()
    await _sleep(cluster, 1.0, 4.0)
    cluster.lab.faults.end(fault)
    await leader.start()
    return Done(leader.name + ("" if met else ", no callback in flight"), TAKEOVER)


async def kill_proxy(cluster: Cluster) -> Done:
    """Kill -9 of the proxy, which is started again at once."""
    await cluster.proxy.end(signal.SIGKILL)
    await cluster.proxy.start()
    return Done("proxy")


async def _sleep(cluster: Cluster, least: float, most: float) -> None:
    await asyncio.sleep(cluster.rng.uniform(least, most))


KINDS = (
    Kind("kill the leading coordinator", kill_leading_coordinator, 3),
    Kind("kill the leading instance", kill_leading_instance, 3),
    Kind("replace the leading instance", replace_leading_instance, 1),
    Kind("kill two leaders in a row", kill_next_leader_too, 2),
    Kind("kill a follower", kill_follower, 1),
    Kind("kill a worker process", kill_process, 2),
    Kind("kill one pool everywhere", kill_workers_everywhere, 1),
    Kind("kill the leader's supervisord", kill_supervisord, 1),
    Kind("stop the leading coordinator", stop_leading_coordinator, 2),
    Kind("pause the leading instance", pause_leading_instance, 3),
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
    Kind("kill the proxy", kill_proxy, 0.5),
)
