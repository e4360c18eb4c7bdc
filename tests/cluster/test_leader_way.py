"""How an instance reaches the leader: on its own host, on another one, or not at all, with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from common import state_dir
from common.bus import choose_way, generate_keys, leader_addresses
from common.clients.route_address import find_route_address
from common.config import Settings, load
from common.store.lease_contract import Leader

KEYS = generate_keys()
BUS = {"BUS_ENDPOINT": "tcp://0.0.0.0:5550", "BUS_SECRET_KEY": KEYS.secret, "BUS_CLIENT_KEYS": KEYS.public}


def instance(path: Path, **more: str) -> Settings:
    """Settings of an instance with a state of its own."""
    settings = load({"STATE_DIR": str(path), "INSTANCE_ID": path.name, **more})
    state_dir.create_directories(settings)
    return settings


def lead(settings: Settings) -> Leader:
    """An instance as the leader of epoch 7."""
    return Leader(settings.instance_id, "boot", 7, *leader_addresses(settings, 7))


def hide(path: Path) -> None:
    """Take the sockets of an instance out of sight, as those of another host are."""
    (path / "run").rename(path / "hidden")


def test_on_one_host_sockets_are_files(tmp_path: Path) -> None:
    """Also with a state of its own and a bus on tcp, as long as the directory is the same one."""
    one, two = instance(tmp_path / "one", **BUS, INSTANCE_ADDRESS="192.0.2.7"), instance(tmp_path / "two", **BUS)
    way = choose_way(two, lead(one))

    assert way.trouble == ""
    assert way.addresses.bus == f"ipc://{tmp_path}/one/run/bus-7"
    assert way.addresses.server_key == KEYS.public
    assert way.addresses.outside == "tcp://192.0.2.7:5550"


def test_a_directory_of_the_same_path_on_another_host_is_another(tmp_path: Path) -> None:
    """Every container has /app/state/run: then it goes over tcp."""
    one, two = instance(tmp_path / "one", **BUS, INSTANCE_ADDRESS="192.0.2.7"), instance(tmp_path / "two", **BUS)
    leader = lead(one)
    hide(tmp_path / "one")
    (tmp_path / "one" / "run").mkdir()
    way = choose_way(two, leader)

    assert (way.addresses.bus, way.addresses.feed) == ("tcp://192.0.2.7:5550", "tcp://192.0.2.7:5552")
    assert (way.addresses.server_key, way.trouble) == (KEYS.public, "")


def test_a_leader_elsewhere_without_an_address_is_not_reached(tmp_path: Path) -> None:
    """With what has to be set; nothing is connected to that may belong to something else."""
    one, two = instance(tmp_path / "one"), instance(tmp_path / "two")
    leader = lead(one)
    hide(tmp_path / "one")
    way = choose_way(two, leader)

    assert "instance one leads on another host" in way.trouble
    assert "BUS_ENDPOINT" in way.trouble
    assert way.addresses.bus == way.addresses.feed == f"ipc://{tmp_path}/two/run/unreachable"


@pytest.mark.parametrize("own", [{}, {"BUS_SECRET_KEY": generate_keys().secret}])
def test_instances_with_different_keys_are_told_so(own: dict[str, str], tmp_path: Path) -> None:
    """Before any connection is refused."""
    one, two = instance(tmp_path / "one", **BUS), instance(tmp_path / "two", **own)

    assert "another BUS_SECRET_KEY" in choose_way(two, lead(one)).trouble


@pytest.mark.parametrize(
    ("endpoint", "address", "outside"),
    [
        ("tcp://0.0.0.0:5550", "192.0.2.7", "tcp://192.0.2.7:5550"),
        ("tcp://*:5550", "2001:db8::7", "tcp://[2001:db8::7]:5550"),
        ("tcp://192.0.2.8:5550", "", "tcp://192.0.2.8:5550"),
        ("tcp://192.0.2.8:5550", "monitor.example", "tcp://monitor.example:5550"),
        ("tcp://[2001:db8::8]:5550", "", "tcp://[2001:db8::8]:5550"),
        ("tcp://0.0.0.0:5550", "", ""),  # the store is a file: nothing tells which address others see
        ("", "192.0.2.7", ""),
    ],
)
def test_an_address_for_others_is_named_or_found(endpoint: str, address: str, outside: str, tmp_path: Path) -> None:
    """INSTANCE_ADDRESS goes before what BUS_ENDPOINT says."""
    settings = instance(tmp_path / "one", **{**BUS, "BUS_ENDPOINT": endpoint}, INSTANCE_ADDRESS=address)

    assert leader_addresses(settings, 7).outside == outside


def test_the_route_to_this_host_itself_says_nothing() -> None:
    """Other hosts would reach themselves at that address."""
    assert find_route_address("127.0.0.1") is None
    assert find_route_address("::1") is None


def test_the_address_of_the_route_to_the_store_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the first of several servers."""
    asked = []
    monkeypatch.setattr("common.bus.leader_way.find_route_address", lambda host: asked.append(host) or "198.51.100.9")
    for place in ("user:pass@db.example:5432,other:5432/x", "db.example/x", "[2001:db8::1]:5432/x", "/x?host=/run/pg"):
        settings = instance(tmp_path / "one", **BUS, STORE_URL=f"postgresql://{place}")
        outside = leader_addresses(settings, 7).outside
        assert outside == ("" if "run" in place else "tcp://198.51.100.9:5550")
    assert asked == ["db.example", "db.example", "2001:db8::1"]
