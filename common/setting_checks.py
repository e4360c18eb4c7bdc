"""What settings must be together, beyond what each of them must be alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from common.scrub import brings_credentials
from common.socket_paths import SOCKET_PATH_LIMIT, SOCKET_SUFFIX


def problems(found: Mapping[str, Any]) -> list[str]:
    """One sentence for each disagreement; `found` are the values by attribute of `Settings`, defaults filled in."""
    return [*_of_bus(found), *_of_feed(found), *_of_credentials(found), *_of_times(found)]


def _of_bus(found: Mapping[str, Any]) -> Iterator[str]:
    bus: str = found["bus_endpoint"]
    if bus.startswith("tcp://") and not _has_secret_key(found):
        yield "BUS_ENDPOINT: tcp needs BUS_SECRET_KEY: without CURVE anybody who connects could take tasks and forge results"
    elif bus.startswith("tcp://") and not (found["bus_client_keys"] or found["bus_server_key"]):
        yield (
            "BUS_CLIENT_KEYS: on tcp the coordinator needs the public keys of its workers' hosts, or it lets none of them in; "
            "a host that has workers alone needs BUS_SERVER_KEY instead"
        )
    if bus.startswith("tcp://") and bus.endswith(":65535"):
        yield "BUS_ENDPOINT: must leave room for the port after it, so at most 65534"
    if bus.startswith("ipc://") and len(bus.encode()) - len("ipc://") + SOCKET_SUFFIX > SOCKET_PATH_LIMIT:
        yield f"BUS_ENDPOINT: must be a path of at most {SOCKET_PATH_LIMIT - SOCKET_SUFFIX} bytes"


def _of_feed(found: Mapping[str, Any]) -> Iterator[str]:
    if found["bus_endpoint"] == found["feed_endpoint"]:
        yield "FEED_ENDPOINT: must differ from BUS_ENDPOINT"
    if found["feed_client_keys"] and not _has_secret_key(found):
        yield "FEED_CLIENT_KEYS: needs BUS_SECRET_KEY, the key of the server that lets them in"


def _of_credentials(found: Mapping[str, Any]) -> Iterator[str]:
    for name in ("DOMAIN_API_URL", "API_CALLBACK_URL"):
        if found["api_auth_token"] and found[name.lower()] and brings_credentials(found[name.lower()]):
            yield f"{name}: has credentials in the URL while API_AUTH_TOKEN is set, too: one request has one, so drop either"


def _of_times(found: Mapping[str, Any]) -> Iterator[str]:
    if found["confirm_gap_close"] > found["confirm_gap"]:
        yield "CONFIRM_GAP_CLOSE: must not be above CONFIRM_GAP"
    if found["priority_check_interval"] > found["check_interval"]:
        yield "PRIORITY_CHECK_INTERVAL: must not be above CHECK_INTERVAL"


def _has_secret_key(found: Mapping[str, Any]) -> bool:
    """Whether the key is set, be it that it is kept from this process."""
    return bool(found["bus_secret_key"]) or "BUS_SECRET_KEY" in found["withheld"]
