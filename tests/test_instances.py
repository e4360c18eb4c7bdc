"""The instances of a state directory: which are there, which leads, and when one that is gone is forgotten."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from common import config, heartbeat, instance_lock, instances, leader_file, state_dir
from common.heartbeat import Heartbeat
from common.instances import Coordinator
from common.socket_paths import socket_directory
from common.store.lease_contract import Leader

#: The present, in epoch seconds.
NOW = 1_800_000_000.0


def instance(state: Path, name: str) -> Path:
    """The directory of an instance, made as its processes do."""
    settings = config.load({"STATE_DIR": str(state), "INSTANCE_ID": name})
    state_dir.create_directories(settings)
    return settings.instance_dir


def beat(directory: Path, process: str, at: float, **more: object) -> None:
    """Write a heartbeat."""
    row = {"process": process, "actor": process, "pid": os.getpid(), "boot": "b", "at": at, "started_at": NOW - 90.0}
    heartbeat.write_heartbeat(directory, Heartbeat(**{**row, "restarts": 0, "instance": directory.name, **more}))  # type: ignore[arg-type]  # by name


def age(directory: Path, seconds: float) -> None:
    """Let everything of an instance be as old as that."""
    for path in (*directory.rglob("*"), directory):
        os.utime(path, (NOW - seconds, NOW - seconds))


def test_an_instance_is_what_its_heartbeats_say(tmp_path: Path) -> None:
    """How many processes work, by the youngest heartbeat and no clock of ours; since when, and whether it is ending."""
    one = instance(tmp_path, "one")
    beat(one, "control", NOW - 500.0, started_at=NOW - 700.0)
    beat(one, "coordinator", NOW - 520.0, started_at=NOW - 600.0)
    beat(one, "notifier-0", NOW - 531.0, started_at=NOW - 9000.0, stopping=True)
    instance(tmp_path, "stopped")
    (found,) = instances.list_instances(tmp_path)

    assert (found.name, found.heard_at, found.started_at, found.processes) == ("one", NOW - 500.0, NOW - 700.0, 2)
    assert found.coordinators == {0: Coordinator(NOW - 520.0, NOW - 600.0)}
    assert (found.stopping, found.leaders) == (False, {})
    beat(one, "notifier-0", NOW - 501.0, stopping=True)
    (found,) = instances.list_instances(tmp_path)
    assert (found.processes, found.stopping) == (3, True)


def test_the_highest_epoch_leads(tmp_path: Path) -> None:
    """The note of an instance that was stopped in time to lose the lease is older, whatever it says of itself."""
    assert instances.find_leader(instances.list_instances(tmp_path)) is None
    for name, leader, epoch in (("one", "one", 3), ("three", "two", 4), ("two", "two", 4)):
        beat(instance(tmp_path, name), "coordinator", NOW)
        leader_file.write_leader(instance(tmp_path, name), Leader(leader, "b", epoch, "ipc:///bus", "ipc:///feed"))
    found = instances.find_leader(instances.list_instances(tmp_path))

    assert found is not None
    assert (found.instance, found.epoch) == ("two", 4)


def test_each_shard_has_a_coordinator_and_a_leader(tmp_path: Path) -> None:
    """Of the highest epoch in that shard; what has no number of a shard is none of them."""
    one, two = instance(tmp_path, "one"), instance(tmp_path, "two")
    for process, at in (("coordinator", NOW), ("coordinator-2", NOW - 1), ("coordinator-x", NOW), ("coordinator-0", NOW)):
        beat(one, process, at)
    beat(two, "coordinator", NOW)
    for directory, shard, name, epoch in ((one, 0, "one", 2), (one, 2, "two", 5), (two, 2, "one", 4), (two, 1, "two", 9)):
        leader_file.write_leader(directory, Leader(name, "b", epoch, "ipc:///bus", "ipc:///feed"), shard)
    (two / "leader-03.json").write_bytes(b"{}")
    (two / "leader-4.json").write_bytes(b"{}")
    found = instances.list_instances(tmp_path)

    assert found[0].coordinators == {0: Coordinator(NOW, NOW - 90.0), 2: Coordinator(NOW - 1, NOW - 90.0)}
    assert [sorted(each.leaders) for each in found] == [[0, 2], [1, 2]]
    leaders = [instances.find_leader(found, shard) for shard in range(4)]
    assert [leader and (leader.instance, leader.epoch) for leader in leaders] == [("one", 2), ("two", 9), ("two", 5), None]
    assert leader_file.read_leaders(tmp_path / "nowhere") == {}


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 5000, b"\xff", b'{"process": 1}', b"x" * 100_000])
def test_what_is_no_instance_is_left_out(tmp_path: Path, content: bytes) -> None:
    """Files, links, names that are none, and heartbeats and notes of rubbish."""
    good = instance(tmp_path, "good")
    beat(good, "control", NOW, silent_after=-1.0)
    (good / "leader.json").write_bytes(content)
    odd = instance(tmp_path, "odd")
    (heartbeat.heartbeat_directory(odd) / "control.json").write_bytes(content)
    home = instances.instances_directory(tmp_path)
    (home / "file").write_bytes(content)
    (home / "link").symlink_to(good)
    (home / "white space").mkdir()
    good.joinpath("heartbeats").rename(home / "white space" / "heartbeats")
    assert instances.list_instances(tmp_path) == []
    (home / "white space" / "heartbeats").rename(good / "heartbeats")

    (found,) = instances.list_instances(tmp_path)
    assert (found.name, found.processes, found.leaders) == ("good", 0, {})


def test_those_with_the_newest_signs_of_life_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many directories there are."""
    monkeypatch.setattr(instances, "MOST", 2)
    for number in range(4):
        directory = instance(tmp_path, f"i{number}")
        beat(directory, "control", NOW)
        age(directory, abs(number - 1.5))

    assert [found.name for found in instances.list_instances(tmp_path)] == ["i1", "i2"]


def test_an_instance_without_a_sign_of_life_is_stale_after_a_while(tmp_path: Path) -> None:
    """By the time of our own last one: not our own, a younger one, nor what is no instance."""
    for name in ("dead", "own", "young", "stopped"):
        directory = instance(tmp_path, name)
        if name != "stopped":
            beat(directory, "control", NOW)
    home = instances.instances_directory(tmp_path)
    (home / "white space.gone").mkdir()
    (home / ".half.gone" / "run").mkdir(parents=True)
    for path in home.iterdir():
        age(path, 601.0)
    assert instances.find_stale(tmp_path, "own") == {}
    assert instances.find_stale(tmp_path, "missing") == {}
    age(home / "own", 0.0)
    age(home / "young", 599.0)

    assert instances.find_stale(tmp_path, "own") == dict.fromkeys((".half.gone", "dead", "stopped"), NOW - 601.0)


def test_an_instance_is_forgotten_unless_it_runs(tmp_path: Path) -> None:
    """Its directory is deleted under its lock, and so is the half of one."""
    home = instances.instances_directory(tmp_path)
    paused = instance(tmp_path, "paused")
    (home / ".half.gone" / "run").mkdir(parents=True)
    held = instance_lock.take_lock(paused)
    assert held is not None
    assert not instances.forget(tmp_path, "paused")
    assert paused.is_dir()
    os.close(held)
    files = len(list(Path("/proc/self/fd").iterdir()))
    assert instances.forget(tmp_path, "paused")
    assert instances.forget(tmp_path, ".half.gone")
    assert not instances.forget(tmp_path, "missing")
    assert list(home.iterdir()) == []
    assert len(list(Path("/proc/self/fd").iterdir())) == files


def test_sockets_elsewhere_go_with_their_instance(tmp_path: Path) -> None:
    """Where the path of the state is too long for a socket they are under the system's temporary directory."""
    far = instance(tmp_path / ("x" * 100), "far")
    assert socket_directory(far).is_dir()
    assert not socket_directory(far).is_relative_to(tmp_path)
    shutil.rmtree(socket_directory(tmp_path / ("x" * 100)))

    assert instances.forget(tmp_path / ("x" * 100), "far")
    assert not socket_directory(far).exists()


def test_a_directory_that_cannot_be_deleted_stays_for_the_next_time(tmp_path: Path) -> None:
    """What is left of an earlier try is in its way, or its lock is none."""
    dead = instance(tmp_path, "dead")
    (dead.with_name(".dead.gone") / "run").mkdir(parents=True)
    (instance(tmp_path, "odd") / "supervise.lock").mkdir()

    assert instances.forget(tmp_path, "odd") is False
    assert instances.forget(tmp_path, "dead") is False
    assert instances.forget(tmp_path, ".dead.gone") is True
    assert instances.forget(tmp_path, "dead") is True


def test_a_heartbeat_that_is_written_over_in_its_place_is_a_sign_of_life(tmp_path: Path) -> None:
    """On a full disk no directory changes."""
    age(instance(tmp_path, "own"), 0.0)
    directory = instance(tmp_path, "full")
    beat(directory, "control", NOW)
    beats = heartbeat.heartbeat_directory(directory)
    for path in (beats / "control.json", beats, directory):
        age(directory, 700.0)
        assert instances.find_stale(tmp_path, "own") == {"full": NOW - 700.0}
        os.utime(path, (NOW, NOW))
        assert instances.find_stale(tmp_path, "own") == {}


def test_a_lock_in_a_directory_that_was_cleared_away_keeps_nothing_out(tmp_path: Path) -> None:
    """It is not taken, so that two runs never hold the lock of one instance."""
    held = instance_lock.take_lock(tmp_path)
    assert held is not None
    assert instance_lock.is_lock_held(tmp_path)
    files = len(list(Path("/proc/self/fd").iterdir()))
    assert instance_lock.take_lock(tmp_path) is None
    assert instance_lock.is_lock_held(tmp_path) is True
    assert instance_lock.is_lock_held(tmp_path / "missing") is False
    assert instance_lock.has_lock(tmp_path)
    assert len(list(Path("/proc/self/fd").iterdir())) == files
    instance_lock.remove_lock(tmp_path)
    assert not instance_lock.has_lock(tmp_path)
    other = instance_lock.take_lock(tmp_path)
    assert other is not None
    os.close(held)
    os.close(other)
    assert not instance_lock.is_lock_held(tmp_path)
    assert instance_lock.take_lock(tmp_path / "missing") is None


def test_a_lock_on_a_full_disk_has_no_note(tmp_path: Path) -> None:
    """It is held none the less."""
    with Path("/dev/full").open("wb") as full:
        instance_lock.write_owner(full.fileno())
    assert instance_lock.read_owner(tmp_path) == "another process"


@pytest.mark.parametrize("note", [b"", b"\xff\xff", b"a\nb" * 100])
def test_a_lock_without_a_readable_note_names_another_process(tmp_path: Path, note: bytes) -> None:
    """Whatever an operator or a full disk left in it."""
    held = instance_lock.take_lock(tmp_path)
    assert held is not None
    os.pwrite(held, note, 0)
    assert instance_lock.read_owner(tmp_path) == ("another process" if note != b"\xff\xff" else "\ufffd\ufffd")
    instance_lock.write_owner(held)
    os.close(held)
    assert instance_lock.read_owner(tmp_path) == f"process {os.getpid()} of {os.uname().nodename}"
