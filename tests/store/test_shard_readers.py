"""Looks at each shard of a store alone, and what is shown from them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from actors.cli import sources
from common.clock import now
from common.config import Settings, load
from common.core.model.records import Changes, TrustRow
from common.core.rate_limits.saved import Saved, encode_saved
from common.core.registries.back_ends import group_suffixes
from common.errors import StoreError
from common.shard_settings import settings_of_shard
from common.store.shard_readers import read_each_shard, read_texts
from common.store.shards import settle_layout
from tests.lab.net import free_port
from tests.store.builders import open_next
from tests.store.postgres_server import PostgresServer


@pytest.fixture
def settings(postgres: PostgresServer, tmp_path: Path) -> Settings:
    """Settings over an empty database with two shards."""
    return load(
        {
            "STATE_DIR": str(tmp_path),
            "INSTANCE_ID": "here",
            "STORE_URL": postgres.url(postgres.new_schema()),
            "SHARDS": "2",
            "CONTROL_PORT": str(free_port()),
        }
    )


def fill(settings: Settings, shard: int, changes: Changes) -> None:
    """Write into one shard, as its coordinator does."""
    settle_layout(settings, group_suffixes())
    with closing(open_next(settings_of_shard(settings, shard))) as writer:
        writer.apply(changes)


def test_each_shard_is_read_alone(settings: Settings) -> None:
    """In their order; one without a text is left out."""
    fill(settings, 0, Changes(meta={"a": "first"}))
    fill(settings, 1, Changes(meta={"a": "second", "b": "alone"}))
    assert read_texts(settings, "a") == ["first", "second"]
    assert read_texts(settings, "b") == ["alone"]
    assert read_each_shard(settings, lambda reader: reader.last_seq()) == [0, 0]


def test_a_shard_that_is_not_there_yet_is_no_empty_one(settings: Settings) -> None:
    """Its coordinator has never begun."""
    fill(settings, 0, Changes(meta={"a": "first"}))
    with pytest.raises(StoreError):
        read_texts(settings, "a")


def test_sources_are_shown_as_all_shards_know_them(settings: Settings) -> None:
    """Budgets add up, a server is believed as in the shard that believes it least, and the last proof of any shard counts."""
    at = now() - 100
    saved = encode_saved({"rdap/verisign|default": Saved(0.0, 1.0, day=int(now() // 86_400), used=4)})
    channel = f'[["rdap", "rdap.verisign.com", "com", {at}, 0.0, 0.0, 0, ""]]'
    later = f'[["rdap", "rdap.verisign.com", "com", {at + 50}, 0.0, 0.0, 0, ""]]'
    proven = TrustRow("rdap", "rdap.verisign.com", "com", at, at)
    caught = TrustRow("rdap", "rdap.verisign.com", "com", at, at, quarantined_until=now() + 50, reason="lied")
    fill(settings, 0, Changes(meta={"budgets": saved, "channels": later}, trust=[caught]))
    fill(settings, 1, Changes(meta={"budgets": saved, "channels": channel}, trust=[proven]))
    report = sources.collect_sources(settings)
    (row,) = [row for row in report["sources"] if row["method"] == "rdap"]
    assert report["notes"] == []
    assert row["origin"]["from"] == "store"
    assert (row["budget"]["used_today"], row["budget"]["operators"]) == (8, 1)
    assert (row["trust"]["state"], row["trust"]["reason"]) == ("quarantined", "lied")
    assert row["last_success"] == at + 50
