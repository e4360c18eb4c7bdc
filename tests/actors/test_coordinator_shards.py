"""Coordinators of the shards of one database, as real processes: which lead, and which do not while something is wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from common import heartbeat
from common.store.member_contract import KEPT_FOR
from common.store.postgres.lease_row import TTL
from common.store.reader import open_reader
from tests.actors.test_coordinator_standby import Instance
from tests.store.postgres_server import PASSWORD, PostgresServer, require_programs

pytestmark = pytest.mark.timeout(180)
#: Seconds that a busy machine may take beside what is agreed.
BUSY = 20.0
#: Of two shards the first has one of them, the second the other.
NAMES = "early-bird.com\nlast-call.com\n"

Start = Callable[..., Instance]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the coordinator of a shard of an instance on a host, which has a state directory of its own; ends them all."""
    started: list[Instance] = []
    with closing(PostgresServer(require_programs())) as server:

        def start_one(host: str, name: str, shard: int = 0, shards: int = 2, **further: str) -> Instance:
            directory = tmp_path / f"{host}-{len(started)}"
            directory.mkdir()
            (directory / "names.txt").write_text(NAMES, encoding="utf-8")
            state = {"STATE_DIR": str(tmp_path / host), "EGRESS_ID": host, "STORE_URL": server.url(password=PASSWORD)}
            started.append(Instance(directory, name, shard, SHARDS=str(shards), **{**state, **further}))
            return started[-1]

        yield start_one
        for instance in started:
            with contextlib.suppress(ProcessLookupError):
                instance.process.kill()
            instance.process.wait()


def ended(instance: Instance) -> int:
    """The exit code of a coordinator that ends by itself."""
    return instance.process.wait(60)


def test_each_shard_takes_its_names_and_leads_alone(start: Start) -> None:
    """The second one waits until the first announces the instance; each has a lease, a heartbeat and a part of the list."""
    second = start("north", "one", 1)
    second.until(lambda: second.lines("started"))
    assert second.leads() == 0
    first = start("north", "one", 0)
    for coordinator in (first, second):
        coordinator.until(lambda coordinator=coordinator: coordinator.lines("list_taken"))
        [taken] = coordinator.lines("list_taken")
        assert (taken["names"], taken["added"]) == (1, 1)
        assert coordinator.leads() == 1
    beats = heartbeat.read_heartbeats(first.settings.instance_dir)
    assert {name: beat.actor for name, beat in beats.items()} == {"coordinator": "coordinator", "coordinator-1": "coordinator"}
    assert {path.name for path in first.settings.instance_dir.glob("leader*")} == {"leader.json", "leader-1.json"}
    for coordinator in (first, second):
        coordinator.process.terminate()
        assert ended(coordinator) == 0


def test_no_shard_is_led_under_a_name_that_another_instance_has(start: Start) -> None:
    """Each waits, says so by its heartbeat, and works once the other instance has died."""
    first = start("north", "one", 0)
    first.until(lambda: first.leads() == 1)
    others = [start("south", "one", shard) for shard in (0, 1)]
    others[0].until(lambda: others[0].lines("instance_taken"))

    def told() -> bool:
        beat = heartbeat.read_heartbeat(others[1].settings.instance_dir, "coordinator-1")
        return beat is not None and beat.failed.startswith("InstanceTaken: INSTANCE_ID 'one' is in use by another instance")

    others[1].until(told)
    assert [other.leads() for other in others] == [0, 0]
    first.process.kill()
    others[1].until(lambda: others[1].leads() == 1, KEPT_FOR + TTL + BUSY)
    others[0].until(lambda: others[0].leads() == 2, KEPT_FOR + TTL + BUSY)


@pytest.mark.parametrize(
    ("changed", "setting"), [({"shards": 3}, "SHARDS"), ({"shards": 1}, "SHARDS"), ({"SHARD_SPREAD": "com"}, "SHARD_SPREAD")]
)
def test_a_coordinator_of_another_layout_ends(start: Start, changed: dict[str, object], setting: str) -> None:
    """The log says what the database has, and the last heartbeat names the setting; nothing is led meanwhile."""
    first = start("north", "one")
    first.until(lambda: first.lines("list_taken"))
    first.process.terminate()
    assert ended(first) == 0
    other = start("south", "two", **changed)
    assert ended(other) == 2
    [line] = other.lines("config_error")
    assert line["problem"].startswith(f"{setting}: ")
    assert "was made with " in line["problem"]
    assert other.leads() == 0
    with closing(open_reader(first.settings)) as reader:
        assert [seen.member.name for seen in reader.members().members] == []
    beat = heartbeat.read_heartbeat(other.settings.instance_dir, "coordinator")
    assert beat is not None
    assert beat.failed == f"ConfigError: a setting is wrong: {setting}"
