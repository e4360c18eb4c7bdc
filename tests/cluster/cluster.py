"""The cluster under test: one lab with its receiver, one state directory, several instances, and the proxy before them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from common.shard_settings import coordinator_name
from tests.cluster.checker_hosts import BUS_SETTINGS, MOST_INSTANCES, SHARED, CheckerHost
from tests.cluster.drops import STEADY, Drops
from tests.cluster.hosts import Network, open_network
from tests.cluster.instance import Instance
from tests.cluster.records import Epoch, Event, Fault, Limit, Round, posts_of
from tests.cluster.stores import EmbeddedStore, Store, StoreTroubleError, open_store, read_events
from tests.lab import net
from tests.lab.lab import Lab
from tests.lab.stack import ROOT, bare_environment
from tests.lab.suffixes import SUFFIXES

CADENCE = {
    "CHECK_INTERVAL": "3",
    "PRIORITY_CHECK_INTERVAL": "1",
    "CONFIRM_GAP": "2",
    "CONFIRM_GAP_CLOSE": "1",
    "CALLBACK_RESULTS": "none",
    "DOMAIN_API_REFRESH_INTERVAL": "3",
}
#: What every instance has running, but for the shells around it: one of each, and one for each shard.
ONCE = frozenset({"supervise", "supervisord", "control", "feed", "publications", "watchdog"})
FOR_EACH_SHARD = ("checker-fast", "checker-intermediate", "checker-deep", "notifier")
#: Budgets that two leaders at a time would exceed: queries per second and burst, DNS for each of two addresses.
BUDGETS = {"dns": Limit(1.2, 4.0), "rdap": Limit(1.5, 4.0), "whois": Limit(1.5, 4.0)}
#: The number of the first host in the network that has checkers alone.
CHECKERS_FROM = 40
_PROBE_EVERY, _LOOK = 0.5, 0.05


class Proxy:
    """`domain-monitor proxy` before the instances, and a caller that asks it for their health twice a second."""

    def __init__(self, state_dir: Path, directory: Path, note: Callable[[str], None]) -> None:
        self._note = note
        self.port, feed = net.free_port(), net.free_port()
        self.answers: list[tuple[float, int]] = []  # (epoch seconds, status; 0 for no answer)
        self._log = directory / "proxy.log"
        self._environment = {
            **bare_environment(),
            "STATE_DIR": str(state_dir),
            "CONTROL_HOST": net.HOST,
            "CONTROL_PORT": str(self.port),
            "FEED_ENDPOINT": f"tcp://{net.HOST}:{feed}",
            "LOG_FORMAT": "json",
        }
        self._child: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as log:
            command = (sys.executable, "-m", "actors.cli.main", "proxy")
            self._child = await asyncio.create_subprocess_exec(
                *command, stdout=log, stderr=log, env=self._environment, cwd=ROOT
            )

    async def end(self, number: int) -> int:
        """End it by a signal; its exit status, 0 where it was never started."""
        if self._child is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            self._child.send_signal(number)
        return await self._child.wait()

    async def probe(self) -> None:
        """Ask for the health until cancelled."""
        last = ""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=4)) as session:
            while True:
                status, said = 0, "no answer"
                with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError, ValueError):
                    async with session.get(f"http://{net.HOST}:{self.port}/health") as answer:
                        body = await answer.json(content_type=None)
                        status = answer.status
                        said = f"{status} {body.get('status')} {sorted(p['code'] for p in body.get('problems', []))}"
                self.answers.append((time.time(), status))
                if said != last:
                    self._note(f"    the proxy says {said}")
                last = said
                await asyncio.sleep(_PROBE_EVERY)


class Cluster:
    """All of it. `note` gets lines for the time line."""

    def __init__(
        self, lab: Lab, network: Network, store: Store, directory: Path, rng: random.Random, note: Callable[[str], None]
    ) -> None:
        self.lab = lab
        self.network = network
        self.store = store
        self.directory = directory
        self.rng = rng
        self.state_dir = directory / "state"
        self.one_host = network.plain or isinstance(store, EmbeddedStore)
        self.instances: dict[str, Instance] = {}
        self.proxy = Proxy(self.state_dir, directory, note)
        self.drops = Drops(lab, rng, note)
        self.faults: list[Fault] = []
        self.trouble: list[str] = []
        self.quick = False  # whether faults last no longer than they have to
        self.shards = store.shards
        self.aim = 0  # the shard at whose leader faults are aimed
        self.seen: dict[str, Event] = {}
        self.checker_hosts: list[CheckerHost] = []
        self._gone: list[Instance] = []
        self._count = 0
        self._limits = set_budgets(lab)

    @property
    def coordinator(self) -> str:
        """The name of the coordinators at which faults are aimed."""
        return coordinator_name(self.aim)

    def processes(self) -> set[str]:
        """The names of the processes of a whole instance."""
        numbered = {f"{pool}-{number}" for pool in FOR_EACH_SHARD for number in range(self.shards)}
        return {*ONCE, *numbered, *(coordinator_name(shard) for shard in range(self.shards))}

    # instances

    async def add(self) -> Instance:
        """Start a further instance, under a name of its own."""
        self._count += 1
        name = f"i{self._count}"
        disk = self._make_disk(name)
        host = await self.network.add_host(name, disk=None if disk is None else (disk, self.state_dir))
        ports = {"CONTROL_PORT": str(net.free_port()), "FEED_ENDPOINT": f"tcp://{net.HOST}:{net.free_port()}"}
        environment = {**self._settings(), **self.store.settings, **ports, "STATE_DIR": str(self.state_dir)}
        self.instances[name] = instance = Instance(name, environment, self.directory, host, disk)
        await instance.start()
        return instance

    async def add_checkers(self, name: str, egress: str) -> CheckerHost:
        """Start a host with checkers alone."""
        host = await self.network.add_host(name, CHECKERS_FROM)
        environment = {**self.lab.environment(), **CADENCE, "SHARDS": str(self.shards)}
        checkers = CheckerHost(host, self.network.addresses(MOST_INSTANCES), environment, self.directory, egress)
        self.checker_hosts.append(checkers)
        await checkers.start()
        return checkers

    def _make_disk(self, name: str) -> Path | None:
        """What stands for the disk of a host; None where all instances are containers of one, with one state directory."""
        if self.one_host:
            return None
        disk = self.directory / "disks" / name
        disk.mkdir(mode=0o700, parents=True)
        return disk

    def disks(self) -> list[Path]:
        """Every directory that some instance has had as its state directory."""
        return sorted({instance.disk for instance in self.every_instance()})

    def _settings(self) -> dict[str, str]:
        bus = {} if self.network.plain else BUS_SETTINGS
        return {**self.lab.environment(), **CADENCE, **bus}

    async def drop_instance(self, instance: Instance) -> None:
        """One that was ended for good, with its host."""
        instance.read_log()
        self._gone.append(self.instances.pop(instance.name))
        await self.network.remove_host(instance.host)

    def every_instance(self) -> list[Instance]:
        """All that there ever were."""
        return [*self._gone, *self.instances.values()]

    def read_logs(self) -> None:
        """Take in what all instances have logged."""
        for instance in self.instances.values():
            instance.read_log()

    def every_epoch(self) -> list[Epoch]:
        """Every epoch of every shard so far, by number."""
        found = (epoch for each in self.every_instance() for epoch in each.epochs())
        return sorted(found, key=lambda epoch: (epoch.number, epoch.at))

    def epochs(self, shard: int | None = None) -> list[Epoch]:
        """Every epoch of a shard so far, by number; that at which faults are aimed unless another is named."""
        wanted = self.aim if shard is None else shard
        return [epoch for epoch in self.every_epoch() if epoch.shard == wanted]

    def leading(self, shard: int | None = None) -> tuple[Instance, Epoch] | None:
        """The instance of the last epoch of a shard, while it runs and says that it leads."""
        self.read_logs()
        wanted = self.aim if shard is None else shard
        epochs = self.epochs(wanted)
        instance = self.instances.get(epochs[-1].instance) if epochs else None
        leads = instance is not None and instance.running and instance.says_it_leads(wanted)
        return (instance, epochs[-1]) if instance is not None and leads else None

    def followers(self) -> list[Instance]:
        """The instances that do not lead."""
        leading = self.leading()
        return [each for each in self.instances.values() if leading is None or each is not leading[0]]

    async def wait_for_epoch(self, after: int, seconds: float) -> Epoch | None:
        """The first epoch after this one; None where there is none in time."""
        await self.until(lambda: (found := self.leading()) is not None and found[1].number > after, seconds)
        return next((epoch for epoch in self.epochs() if epoch.number > after), None)

    async def until(self, condition: Callable[[], bool], seconds: float, every: float = _LOOK) -> bool:
        """Whether a condition came true within so many seconds."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(every)
        return True

    async def wait_until_calm(self, seconds: float) -> list[str]:
        """Wait until one instance leads each shard, all know it and are complete; what is missing after so many seconds."""
        deadline = time.monotonic() + seconds
        while missing := await self._unrest():
            if time.monotonic() > deadline:
                return missing
            await asyncio.sleep(0.3)
        return []

    async def _unrest(self) -> list[str]:
        missing = []
        for shard in range(self.shards):
            missing += self._unrest_of(shard)
        for each in self.instances.values():
            if lacking := self.processes() - set(await each.processes()):
                missing.append(f"{each.name} lacks {', '.join(sorted(lacking))}")
        now = time.time()
        if not self.lab.queries.find(since=now - 3.0):
            missing.append("nothing was asked for 3 s")
        return missing

    def _unrest_of(self, shard: int) -> list[str]:
        found = self.leading(shard)
        if found is None:
            return [f"no instance leads shard {shard}"]
        leader, epoch = found
        expected = leader.name, epoch.number
        known = {each.name: each.leader(shard) for each in self.instances.values()}
        return [
            f"{name} does not know that {leader.name} leads shard {shard} in epoch {epoch.number}"
            for name, told in known.items()
            if told is None or (told.instance, told.epoch) != expected
        ]

    # records

    async def look_at_store(self) -> None:
        """Note which events the store has now."""
        with contextlib.suppress(StoreTroubleError):
            for event in await asyncio.to_thread(read_events, self.store):
                self.seen.setdefault(event.id, event)

    def all_asked_since(self, moment: float) -> bool:
        """Whether every steady name was asked about since then."""
        return set(STEADY) <= {query.name for query in self.lab.queries.find(since=moment)}

    def record(self, since: float = 0.0) -> Round:
        """What is known by now; queries and faults only from `since` on."""
        self.read_logs()
        return Round(
            until=time.time(),
            freed=self.drops.freed,
            posts=posts_of(self.lab.customer.received),
            seen=dict(self.seen),
            queries=self.lab.queries.find(since=since),
            steady=STEADY,
            limits=self._limits,
            faults=[fault for fault in self.faults if fault.began >= since],
            epochs=self.every_epoch(),
            egresses={each.host.address: each.egress for each in self.checker_hosts if each.egress != SHARED},
        )

    async def end(self) -> None:
        """Kill whatever still runs."""
        for instance in self.instances.values():
            if instance.running:
                await instance.kill()
        for checkers in self.checker_hosts:
            await checkers.close()
        await self.proxy.end(signal.SIGKILL)


@asynccontextmanager
async def open_cluster(
    directory: Path,
    rng: random.Random,
    note: Callable[[str], None],
    *,
    instances: int = 3,
    checkers: int = 0,
    plain: bool = False,
    store: str = "sqlite",
    shards: int = 1,
) -> AsyncIterator[Cluster]:
    """A cluster with so many instances and hosts of checkers, just started; nothing of it is left when the block ends."""
    state_dir = directory / "state"
    state_dir.mkdir(mode=0o700)
    async with (
        Lab.start() as lab,
        open_network(plain=plain) as network,
        open_store(store, state_dir, network, shards) as opened,
    ):
        cluster = Cluster(lab, network, opened, directory, rng, note)
        tasks = [asyncio.create_task(cluster.drops.run())]
        try:
            for _ in range(instances):
                await cluster.add()
            for number in range(checkers):
                name = f"c{number + 1}"
                # The last one leaves from an address of its own, all others share one budget with the instances.
                await cluster.add_checkers(name, name if number == checkers - 1 and not plain else SHARED)
            if cluster.one_host:
                await cluster.proxy.start()
                tasks.append(asyncio.create_task(cluster.proxy.probe()))
            yield cluster
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await cluster.end()


def set_budgets(lab: Lab) -> dict[tuple[str, ...], Limit]:
    """Give the lab's operators small budgets; which servers share which."""
    path = lab.directory / "budgets.json"
    rows = json.loads(path.read_text())
    limits: dict[tuple[str, ...], Limit] = {}
    for label, suffix in SUFFIXES.items():
        together = [other.label for other in SUFFIXES.values() if other.operator == suffix.operator]
        dns = BUDGETS["dns"]
        rows[f"dns/{label}"] = dns._asdict()
        limits[(f"dns/{label}",)] = Limit(2 * dns.rate, 2 * dns.burst)
        for kind, address in (("rdap", net.rdap_address(suffix.operator)), ("whois", net.whois_address(suffix.operator))):
            rows[address] = BUDGETS[kind]._asdict()
            limits[tuple(f"{kind}/{other}" for other in together)] = BUDGETS[kind]
    path.write_text(json.dumps(rows, indent=1))
    return limits
