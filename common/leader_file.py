"""What each process of an instance knows of the leader: a small file that the coordinator of the same instance keeps.

Only coordinators ask the store who leads. All other processes of an instance read this file and connect to what it names.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

import msgspec

from common import small_files
from common.store.lease_contract import Leader

#: Largest file read, in bytes.
FILE_LIMIT = 4096
#: Most entries of a directory that are looked at.
MOST_LOOKED_AT = 1000
#: The names of these files, with the number of the shard.
_FILE = re.compile(r"leader(?:-([1-9][0-9]?))?\.json")


def write_leader(instance_dir: Path, leader: Leader, shard: int = 0) -> None:
    """Tell the other processes of this instance which one leads a shard. Raises OSError."""
    small_files.replace_file(_file_of(instance_dir, shard), msgspec.json.encode(leader))


def read_leader(instance_dir: Path, shard: int = 0) -> Leader | None:
    """The leader of a shard as this instance knows it; None where it knows of none yet."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        return msgspec.json.decode(small_files.read_bounded(_file_of(instance_dir, shard), FILE_LIMIT), type=Leader)
    return None


def read_leaders(instance_dir: Path) -> dict[int, Leader]:
    """The leaders of all shards that this instance knows, by the number of the shard."""
    shards = set()
    with contextlib.suppress(OSError), os.scandir(instance_dir) as entries:
        for _, entry in zip(range(MOST_LOOKED_AT), entries, strict=False):
            if (found := _FILE.fullmatch(entry.name)) is not None:
                shards.add(int(found[1] or 0))
    leaders = {shard: read_leader(instance_dir, shard) for shard in sorted(shards)}
    return {shard: leader for shard, leader in leaders.items() if leader is not None}


def stamp_of(instance_dir: Path, shard: int = 0) -> int:
    """Changes whenever the file is written: its time of change in nanoseconds, 0 where there is none."""
    with contextlib.suppress(OSError):
        return _file_of(instance_dir, shard).stat().st_mtime_ns
    return 0


def _file_of(instance_dir: Path, shard: int) -> Path:
    return instance_dir / (f"leader-{shard}.json" if shard else "leader.json")
