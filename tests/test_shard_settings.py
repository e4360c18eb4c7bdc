"""What processes of a shard are told by the settings: how many there are, and where their sockets lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.bus import generate_keys
from common.config import Settings, load
from common.errors import ConfigError
from common.shard_settings import coordinator_name, count_processes, settings_of_shard, shard_of_number

KEY = generate_keys().public
STORE = {"STORE_URL": "postgresql://db.example/x"}


def shards(number: int, **further: str) -> Settings:
    """Settings with so many shards."""
    return load({**STORE, "SHARDS": str(number), **further})


def problems(environ: dict[str, str]) -> list[str]:
    """What is wrong with an environment."""
    with pytest.raises(ConfigError) as caught:
        load(environ)
    return caught.value.problems


def test_each_pool_has_a_process_for_each_shard() -> None:
    """More than one where that was asked for."""
    settings = shards(3, FAST_CHECKERS="7", DEEP_CHECKERS="2")
    counts = {"checker-fast": 7, "checker-intermediate": 3, "checker-deep": 3, "notifier": 3}
    assert count_processes(settings) == counts
    assert [shard_of_number(settings, number) for number in range(7)] == [0, 1, 2, 0, 1, 2, 0]
    assert set(count_processes(load({})).values()) == {1}
    assert shard_of_number(load({}), 5) == 0


def test_the_first_shard_has_the_names_of_an_undivided_list() -> None:
    """Only the others have a number."""
    settings = shards(2)
    assert settings_of_shard(settings, 0) == settings
    assert (coordinator_name(0), coordinator_name(3)) == ("coordinator", "coordinator-3")


def test_a_shard_has_sockets_of_its_own(tmp_path: Path) -> None:
    """On tcp three ports further; checkers of another host connect there, too."""
    local = settings_of_shard(shards(3, STATE_DIR=str(tmp_path)), 2)
    assert (local.shard, local.bus_endpoint) == (2, f"{shards(3, STATE_DIR=str(tmp_path)).bus_endpoint}-s2")
    keys = {"BUS_SECRET_KEY": KEY, "BUS_SERVER_KEY": KEY, "EGRESS_ID": "far"}
    far = load({"SHARDS": "3", "COORDINATOR": "tcp://one:5550,tcp://[2001:db8::1]:5550", **keys})
    assert settings_of_shard(far, 2).coordinator == ("tcp://one:5556", "tcp://[2001:db8::1]:5556")


def test_ports_of_the_bus_are_left_free() -> None:
    """Three for each shard: neither the end of all ports nor another setting may be among them."""
    keys = {"BUS_SECRET_KEY": KEY}
    assert shards(4, BUS_ENDPOINT="tcp://0.0.0.0:5548", **keys).shards == 4
    [found] = problems({**STORE, **keys, "SHARDS": "4", "BUS_ENDPOINT": "tcp://0.0.0.0:5549"})
    assert found == "FEED_ENDPOINT: 5560 is one of the ports 5549 to 5560 that BUS_ENDPOINT takes for 4 shards"
    [found] = problems({**STORE, **keys, "SHARDS": "2", "BUS_ENDPOINT": "tcp://0.0.0.0:7995", "CONTROL_PORT": "7995"})
    assert found.startswith("CONTROL_PORT: 7995 is one of the ports 7995 to 8000")
    [found] = problems({**STORE, **keys, "SHARDS": "4", "BUS_ENDPOINT": "tcp://0.0.0.0:65525"})
    assert found == "BUS_ENDPOINT: must leave room for the 11 ports after it, so at most 65524"
    assert load({**STORE, **keys, "BUS_ENDPOINT": "tcp://0.0.0.0:5560"}).shards == 1
