"""Coordinators of several hosts over one PostgreSQL, as real processes: each is announced, and a name is used once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from common.errors import StoreError
from common.store.member_contract import KEPT_FOR, Roster
from common.store.postgres.lease_row import TTL
from common.store.reader import open_reader
from tests.actors.test_coordinator_standby import Instance
from tests.store.postgres_server import PASSWORD, PostgresServer, require_programs

pytestmark = pytest.mark.timeout(150)
#: Seconds that a busy machine may take beside what is agreed.
BUSY = 20.0

Start = Callable[[str, str], Instance]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts an instance of that name on a host of that name, which has a state directory of its own; ends them all."""
    started: list[Instance] = []
    with closing(PostgresServer(require_programs())) as server:

        def start_one(host: str, name: str) -> Instance:
            directory = tmp_path / f"{host}-{len(started)}"
            directory.mkdir()
            (directory / "names.txt").write_text("a.com\n", encoding="utf-8")
            state = {"STATE_DIR": str(tmp_path / host), "EGRESS_ID": host, "STORE_URL": server.url(password=PASSWORD)}
            started.append(Instance(directory, name, **state))
            return started[-1]

        yield start_one
        for instance in started:
            with contextlib.suppress(ProcessLookupError):
                instance.process.kill()
            instance.process.wait()


def members(instance: Instance) -> set[tuple[str, str, str]]:
    """Name, egress and leader of all that are announced."""
    roster = Roster()
    with contextlib.suppress(StoreError), closing(open_reader(instance.settings)) as reader:
        roster = reader.members()
    return {(seen.member.name, seen.member.egress, seen.member.shown.leader) for seen in roster.members}


def test_one_name_is_used_once_and_every_instance_is_announced(start: Start) -> None:
    """The second one of a name waits, and works once the first has died; one that is stopped is no member any more."""
    first = start("north", "one")
    first.until(lambda: first.lines("list_taken"))
    second = start("south", "one")
    second.until(lambda: second.lines("instance_taken"))
    (line,) = second.lines("instance_taken")
    assert "INSTANCE_ID 'one' is in use by another instance on " in line["reason"]
    first.until(lambda: members(first) == {("one", "north", "one")})
    assert second.lines("instance_follows") == second.lines("instance_leads") == []

    first.process.kill()
    second.until(lambda: second.leads() == 2, KEPT_FOR + TTL + BUSY)
    again = start("north", "two")
    again.until(lambda: again.follows(second, 2))
    again.until(lambda: members(again) == {("one", "south", "one"), ("two", "north", "one")})
    again.process.terminate()
    assert again.process.wait(30) == 0
    assert members(second) == {("one", "south", "one")}
    second.process.terminate()
    assert second.process.wait(30) == 0
    assert members(second) == set()
    assert first.lines("instance_waits") == again.lines("instance_waits") == []


def test_a_coordinator_that_was_killed_has_its_name_again(start: Start) -> None:
    """At once in the directory of the run that was killed, in another one within seconds: nothing is said to be wrong."""
    first = start("north", "one")
    first.until(lambda: members(first) == {("one", "north", "one")})
    first.process.kill()
    first.process.wait()
    second = start("north", "one")
    second.until(lambda: second.leads() == 2, TTL + BUSY)
    assert second.lines("instance_waits") == []
    second.process.kill()
    second.process.wait()
    moved = start("east", "one")
    moved.until(lambda: moved.leads() == 3, KEPT_FOR + TTL + BUSY)
    assert len(moved.lines("instance_waits")) == 1
    assert moved.lines("instance_taken") == []
