"""What the coordinator of a shard sees of all of them in a database: leaders, instances, and how many names are watched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from common.config import Settings, load
from common.core.model.records import Changes
from common.errors import StoreAway
from common.shard_settings import settings_of_shard
from common.store.file_leases import open_leases
from common.store.file_members import open_members
from common.store.lease_contract import Addresses, Lease
from common.store.member_contract import Member, Shown
from common.store.shard_view import count_watched, open_shard_views
from common.store.shards import settle_layout
from tests.store.builders import domain, open_next
from tests.store.postgres_server import PostgresServer, require_programs


@pytest.fixture
def settings(postgres: PostgresServer, tmp_path: Path) -> Settings:
    """Those of three shards over an empty schema."""
    url = postgres.url(postgres.new_schema())
    return load({"STATE_DIR": str(tmp_path), "INSTANCE_ID": "here", "STORE_URL": url, "SHARDS": "3"})


@contextmanager
def taken(settings: Settings, shard: int, instance: str) -> Iterator[Lease]:
    """The lease of a shard."""
    with closing(open_leases(settings_of_shard(settings, shard))) as leases:
        lease = leases.take(instance, "boot", lambda epoch: Addresses(f"bus-{epoch}", "feed"))
        assert lease is not None
        yield lease


def test_the_leader_of_each_shard_is_seen(settings: Settings) -> None:
    """None where the tables are not there yet, where a lease was released, and where none was taken."""
    with closing(open_shard_views(settings)) as views:
        assert views.read().leaders == ("", "", "")
        with taken(settings, 0, "one") as lease:
            assert views.read().leaders == ("one", "", "")
            with taken(settings, 2, "two"):
                assert views.read().leaders == ("one", "", "two")
            lease.release()
        with taken(settings, 1, "one"):
            assert views.read().leaders == ("", "one", "two")


def test_the_instances_are_those_that_are_announced(settings: Settings) -> None:
    """By their incarnation, with the time of the database."""
    with closing(open_members(settings)) as members, closing(open_shard_views(settings)) as views:
        assert views.read().roster.members == ()
        settings.instance_dir.mkdir(parents=True)
        members.announce(Member("here", "first", "egress", "1", 1.0, Shown(stopping=True)))
        roster = views.read().roster
        [seen] = roster.members
        assert (seen.member.name, seen.member.incarnation, seen.member.shown.stopping) == ("here", "first", True)
        assert roster.now is not None
        assert 0.0 <= roster.now - seen.seen_at < 10.0


def test_names_of_all_shards_are_counted(settings: Settings) -> None:
    """Only those that are watched; a shard without tables has none."""
    assert count_watched(settings) == 0
    settle_layout(settings, {})
    for shard, names in ((0, ["a.com", "b.com"]), (2, ["c.com"])):
        with closing(open_next(settings_of_shard(settings, shard))) as writer:
            writer.apply(Changes(domains=[domain(name, id=number) for number, name in enumerate(names)]))
    assert count_watched(settings) == 3


def test_a_server_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    """And found again without a new object."""
    with closing(PostgresServer(require_programs())) as server:
        settings = load({"STATE_DIR": str(tmp_path), "STORE_URL": server.url(), "SHARDS": "2"})
        with closing(open_shard_views(settings)) as views:
            assert views.read().leaders == ("", "")
            server.stop()
            with pytest.raises(StoreAway):
                views.read()
            with pytest.raises(StoreAway):
                count_watched(settings)
            server.start()
            assert views.read().leaders == ("", "")
