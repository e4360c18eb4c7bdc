"""A database whose watch list is divided: what it is divided into, and the tables of each shard."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from common.config import Settings, load
from common.core.model.records import Changes
from common.core.shards.layout import Layout, build_layout
from common.errors import ConfigError, LeaseLost, StoreError
from common.shard_settings import settings_of_shard
from common.store.file_leases import open_leases
from common.store.lease_contract import Addresses
from common.store.postgres.schemas import schema_of
from common.store.reader import open_shard_reader
from common.store.shards import find_layout, settle_layout
from tests.store.builders import domain, open_next
from tests.store.postgres_server import PostgresServer

GROUPS = {"org": "pir", "ngo": "pir", "de": "denic", "com": "verisign", "net": "verisign", "uk.com": "centralnic"}
NewSettings = Callable[..., Settings]


@pytest.fixture
def new(postgres: PostgresServer, tmp_path: Path) -> NewSettings:
    """Settings over one schema of its own; further settings by their names."""
    url = postgres.url(postgres.new_schema())
    return lambda **further: load({"STATE_DIR": str(tmp_path), "INSTANCE_ID": "here", "STORE_URL": url, **further})


def test_an_empty_database_is_divided_as_the_settings_say(new: NewSettings) -> None:
    """The same layout comes back, whatever is built in later."""
    settings = new(SHARDS="4", SHARD_SPREAD="com,net")
    assert find_layout(settings) is None
    made = settle_layout(settings, GROUPS)
    assert made == build_layout(4, ("com", "net"), GROUPS)
    assert settle_layout(settings, {"xyz": "other"}) == made == find_layout(settings)


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ({"SHARDS": "4"}, {"SHARDS": "2"}, "SHARDS: .* was made with 4 shards, not 2: .*migrate"),
        ({"SHARDS": "4"}, {}, "SHARDS: .* was made with 4 shards, not 1"),
        ({}, {"SHARDS": "2"}, "SHARDS: .* was made with 1 shard, not 2"),
        ({"SHARDS": "2"}, {"SHARDS": "2", "SHARD_SPREAD": "com"}, "SHARD_SPREAD: .* made with com,net spread"),
    ],
)
def test_another_division_is_a_wrong_setting(
    new: NewSettings, first: dict[str, str], second: dict[str, str], said: str
) -> None:
    """The text says what the database has, and what changes it."""
    made = settle_layout(new(**first), GROUPS)
    with pytest.raises(ConfigError, match=said):
        settle_layout(new(**second), GROUPS)
    assert find_layout(new(**second)) == made


def test_without_shards_the_spread_is_of_no_account(new: NewSettings) -> None:
    """It may be set and changed."""
    assert settle_layout(new(SHARD_SPREAD="com"), GROUPS) == settle_layout(new(SHARD_SPREAD="net"), GROUPS) == Layout()


def test_a_state_of_a_version_without_shards_has_one(new: NewSettings) -> None:
    """It is not divided where it is found."""
    open_next(new()).close()
    assert find_layout(new(SHARDS="4")) == Layout()
    assert settle_layout(new(), GROUPS) == Layout()
    with pytest.raises(ConfigError, match="1 shard, not 4"):
        settle_layout(new(SHARDS="4"), GROUPS)


def test_coordinators_that_start_at_once_agree(new: NewSettings) -> None:
    """The first layout counts for all of them."""
    wanted = [new(SHARDS=str(2 + number % 2)) for number in range(8)]
    found: list[object] = []
    begin = threading.Barrier(len(wanted))

    def settle(settings: Settings) -> None:
        begin.wait()
        try:
            found.append(settle_layout(settings, GROUPS))
        except ConfigError as error:
            found.append(str(error))

    threads = [threading.Thread(target=settle, args=(settings,)) for settings in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    layouts = [one for one in found if isinstance(one, Layout)]
    assert len(layouts) == 4
    assert len({layout.shards for layout in layouts}) == 1
    assert sum("was made with" in str(one) for one in found) == 4


def test_a_damaged_layout_is_told(new: NewSettings, postgres: PostgresServer) -> None:
    """Nothing is made in its place."""
    settings = new(SHARDS="2")
    settle_layout(settings, GROUPS)
    schema = settings.store_url.rpartition("%3D")[2]
    for damage in (
        "UPDATE meta SET value = left(value, 5) WHERE key = 'store.layout'",
        "UPDATE meta SET value = '{\"shards\": 0}' WHERE key = 'store.layout'",
    ):
        postgres.execute(damage, schema=schema)
        with pytest.raises(StoreError, match=r"is damaged: its store\.layout"):
            find_layout(settings)


def test_a_file_has_one_shard(tmp_path: Path) -> None:
    """Whether or not it is there yet."""
    settings = load({"STATE_DIR": str(tmp_path)})
    assert find_layout(settings) == settle_layout(settings, GROUPS) == Layout()


def test_each_shard_has_tables_and_leases_of_its_own(new: NewSettings) -> None:
    """What one writes no other sees, and each has a leader."""
    settings = new(SHARDS="3")
    settle_layout(settings, GROUPS)
    shards = [settings_of_shard(settings, shard) for shard in range(3)]
    taken = []
    for shard in shards:
        with closing(open_leases(shard)) as leases:
            taken.append(leases.take("here", "boot", lambda epoch: Addresses(f"bus-{epoch}", "feed")))
    assert [lease and lease.leader.epoch for lease in taken] == [1, 1, 1]
    for number, shard in enumerate(shards):
        with closing(open_next(shard)) as writer:
            writer.apply(Changes(domains=[domain(f"n{number}.com", id=0)], meta={"k": str(number)}))
            assert writer.load().meta == {"k": str(number)}
    for number, shard in enumerate(shards):
        with closing(open_shard_reader(settings, number)) as reader:
            assert [names for _, names, *_ in reader.names()] == [[f"n{number}.com"]]
            assert reader.meta("k") == str(number)
        with closing(open_next(shard)):
            pass


def test_a_later_epoch_of_one_shard_leaves_the_others_alone(new: NewSettings) -> None:
    """Each is fenced by itself."""
    settings = new(SHARDS="2")
    settle_layout(settings, GROUPS)
    one, other = (open_next(settings_of_shard(settings, shard)) for shard in (0, 1))
    open_next(settings_of_shard(settings, 1)).close()
    one.apply(Changes(meta={"k": "v"}))
    with pytest.raises(LeaseLost, match="shard 1"):
        other.apply(Changes(meta={"k": "v"}))
    one.close()
    other.close()


def test_a_user_who_may_not_create_a_schema_is_told_what_to_do(new: NewSettings, postgres: PostgresServer) -> None:
    """By the writer and by the leases; once another role has made it they work."""
    home = postgres.new_schema()
    postgres.execute("CREATE ROLE modest LOGIN", f"GRANT USAGE, CREATE ON SCHEMA {home} TO modest")
    url = postgres.url(home).replace("monitor@", "modest@")
    settings = replace(new(SHARDS="2"), store_url=url)
    settle_layout(settings, GROUPS)
    shard = settings_of_shard(settings, 1)
    with pytest.raises(StoreError, match=rf"shard 1.*may not create the schema {home}_shard_1: .*GRANT CREATE"):
        open_next(shard)
    with pytest.raises(StoreError, match="may not create the schema"), closing(open_leases(shard)) as leases:
        leases.find()
    postgres.execute(f"CREATE SCHEMA {home}_shard_1 AUTHORIZATION modest")
    open_next(shard).close()


def test_a_schema_with_too_long_a_name_is_refused(postgres: PostgresServer, new: NewSettings) -> None:
    """The server would cut it, and two shards would have one."""
    home = "h" * 60
    postgres.execute(f"CREATE SCHEMA {home}")
    settings = replace(new(SHARDS="2"), store_url=postgres.url(home))
    settle_layout(settings, GROUPS)
    with pytest.raises(StoreError, match="too long"):
        open_next(settings_of_shard(settings, 1))


def test_schemas_are_named_after_the_one_of_the_first_shard() -> None:
    """So that two stores in one database do not share any; public is left out of the name."""
    assert [schema_of("public", shard) for shard in range(3)] == ["public", "shard_1", "shard_2"]
    assert [schema_of("watch", shard) for shard in range(2)] == ["watch", "watch_shard_1"]
