"""The instances that share a state directory, by the heartbeats below STATE_DIR/instances, and the end of those that are gone.

Process ids mean nothing across containers, so none of another instance is looked at. Each coordinator notes in its own
directory which instance leads (`common.leader_file`), each shard of the watch list; the note with the highest epoch counts.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from common import heartbeat, instance_lock, leader_file, setting_parsers
from common.shard_settings import shard_of_coordinator
from common.socket_paths import socket_directory
from common.store import file_members
from common.store.lease_contract import Leader

#: Seconds without any sign of life after which an instance that is not running is forgotten.
FORGOTTEN_AFTER = 600.0
#: Most instances read, those with the newest signs of life, and most directories looked at.
MOST, MOST_LOOKED_AT = 64, 1000
#: Marks a directory that is being deleted.
_ENDING = ".gone"


class Coordinator(NamedTuple):
    """The last sign of life of a coordinator, and when its run began."""

    at: float
    started_at: float


class Instance(NamedTuple):
    """What an instance last showed of itself. Times in epoch seconds by the clock of its processes."""

    name: str
    heard_at: float  # its youngest heartbeat
    started_at: float
    processes: int  # at work at that time
    stopping: bool
    coordinators: dict[int, Coordinator]  # by the shard that each is for
    leaders: dict[int, Leader]  # of the shards, as far as it knows
    host: str | None = None  # this and its egress only where it has announced itself
    egress: str | None = None


def instances_directory(state_dir: Path) -> Path:
    """Where each instance has a directory of its own (`Settings.instance_dir`)."""
    return state_dir / "instances"


def list_instances(state_dir: Path) -> list[Instance]:
    """The instances that have heartbeats, by name. One that was stopped in order has none."""
    return sorted(found for path in list_directories(state_dir) if (found := read_instance(path)) is not None)


def list_directories(state_dir: Path) -> list[Path]:
    """The directories of instances, those with the newest signs of life first."""
    named = [path for path in _directories(state_dir) if _is_name(path.name)]
    return sorted(named, key=_last_sign, reverse=True)[:MOST]


def read_instance(directory: Path) -> Instance | None:
    """What an instance shows in its directory; None where it has no heartbeats."""
    beats = heartbeat.read_heartbeats(directory)
    if not beats:
        return None
    heard_at = max(beat.at for beat in beats.values())
    alive = [beat for beat in beats.values() if not beat.silent(heard_at)]
    member = file_members.read_member(directory)
    return Instance(
        name=directory.name,
        heard_at=heard_at,
        started_at=min((beat.started_at for beat in alive), default=heard_at),
        processes=len(alive),
        stopping=any(beat.stopping for beat in alive),
        coordinators={
            shard: Coordinator(beat.at, beat.started_at)
            for process, beat in beats.items()
            if (shard := shard_of_coordinator(process)) is not None
        },
        leaders=leader_file.read_leaders(directory),
        host=None if member is None else member.shown.host,
        egress=None if member is None else member.egress,
    )


def find_leader(instances: Iterable[Instance], shard: int = 0) -> Leader | None:
    """The leader of a shard that was appointed last, among what the instances know; None where none of them knows one."""
    known = [instance.leaders[shard] for instance in instances if shard in instance.leaders]
    return max(known, key=lambda leader: leader.epoch, default=None)


def is_running(state_dir: Path, name: str) -> bool:
    """Whether an instance has a `supervise`, be it paused. Asked about one that just starts, it may delay the start."""
    return instance_lock.is_lock_held(instances_directory(state_dir) / name)


def find_stale(state_dir: Path, own: str) -> dict[str, float]:
    """The directories of other instances without a sign of life for `FORGOTTEN_AFTER`, by name: when the last one was.

    The present is the last sign of life of our own instance, so that all times are of one clock, that of the file system.
    """
    present = _last_sign(instances_directory(state_dir) / own)
    ours = (path for path in _directories(state_dir) if _is_name(path.name) or _ends(path.name))
    signs = {path.name: _last_sign(path) for path in ours if path.name != own}
    return {name: sign for name, sign in signs.items() if present - sign > FORGOTTEN_AFTER}


def forget(state_dir: Path, name: str) -> bool:
    """Delete the directory of an instance, if it is not running. Of several that do so at once one gets its lock."""
    directory = instances_directory(state_dir) / name
    try:
        held = instance_lock.take_lock(directory)
    except OSError:
        return False
    if held is None:
        return False
    try:
        ending = directory.with_name(f".{name.removesuffix(_ENDING).lstrip('.')}{_ENDING}")
        shutil.rmtree(socket_directory(directory), ignore_errors=True)  # may be under the system's temporary directory
        with contextlib.suppress(OSError):
            # The name before the rest: an instance that starts now makes a directory of its own and finds no half of this one.
            directory.rename(ending)
            shutil.rmtree(ending, ignore_errors=True)
            return True
    finally:
        os.close(held)
    return False


def _directories(state_dir: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError), os.scandir(instances_directory(state_dir)) as entries:
        for _, entry in zip(range(MOST_LOOKED_AT), entries, strict=False):
            if entry.is_dir(follow_symlinks=False):
                yield Path(entry.path)


def _is_name(name: str) -> bool:
    try:
        setting_parsers.word(name)
    except ValueError:
        return False
    return True


def _ends(name: str) -> bool:
    return name.startswith(".") and name.endswith(_ENDING)


def _last_sign(directory: Path) -> float:
    """When anything was written below a directory that shows life, in epoch seconds of the file system."""
    beats = heartbeat.heartbeat_directory(directory)
    found = 0.0
    with contextlib.suppress(OSError):
        found = directory.stat().st_mtime
        found = max(found, beats.stat().st_mtime)
        with os.scandir(beats) as entries:
            for _, entry in zip(range(heartbeat.COUNT_LIMIT), entries, strict=False):
                found = max(found, entry.stat(follow_symlinks=False).st_mtime)  # on a full disk written over in its place
    return found
