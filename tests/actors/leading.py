"""A lease for a coordinator that a test runs in its own process, and the store opened in its epoch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial

from actors.coordinator.lease_keeper import LeaseKeeper
from common import leader_file
from common.bus import leader_addresses
from common.process import Runtime
from common.store.file_leases import open_leases
from common.store.store_contract import Writer
from common.store.writer import open_writer


@contextmanager
def leading(runtime: Runtime) -> Iterator[tuple[Writer, LeaseKeeper]]:
    """Lead with this runtime, from a running loop; the processes of its instance are told."""
    settings = runtime.settings
    lease = open_leases(settings).take(settings.instance_id, runtime.boot, partial(leader_addresses, settings))
    assert lease is not None
    settings.instance_dir.mkdir(parents=True, exist_ok=True)
    leader_file.write_leader(settings.instance_dir, lease.leader)
    with closing(LeaseKeeper(runtime, lease)) as keeper, closing(open_writer(settings, lease.leader.epoch)) as store:
        yield store, keeper
