"""Settings that are fine by themselves and contradict each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.secret_scrubber import brings_credentials
from common.socket_paths import BUS_SUFFIX, PORTS, SOCKET_PATH_LIMIT
from common.source_settings import find_clear_text

#: The highest port there is.
HIGHEST_PORT = 65_535


def find_conflicts(found: Mapping[str, Any]) -> list[str]:
    """One sentence for each pair that cannot be, beginning with the variable to change. `found`: values by attribute."""
    problems = [*_find_missing_for_coordinator(found), *_find_shard_conflicts(found)]
    bus: str = found["bus_endpoint"]
    keyed = bool(found["bus_secret_key"]) or "BUS_SECRET_KEY" in found["withheld"]
    if bus.startswith("tcp://") and not keyed:
        problems.append(
            "BUS_ENDPOINT: tcp needs BUS_SECRET_KEY: without CURVE anybody who connects could take tasks and forge results"
        )
    elif bus.startswith("tcp://") and not (found["bus_client_keys"] or found["bus_server_key"] or _may_share_store(found)):
        problems.append(
            "BUS_CLIENT_KEYS: on tcp the coordinator needs the public keys of its workers' hosts, or it lets none of them in; "
            "a host that has workers alone needs BUS_SERVER_KEY instead"
        )
    first, more = _port_of(bus), PORTS * found["shards"] - 1
    if first is not None and first + more > HIGHEST_PORT:
        number = "two" if more == 2 else str(more)
        problems.append(f"BUS_ENDPOINT: must leave room for the {number} ports after it, so at most {HIGHEST_PORT - more}")
    if bus.startswith("ipc://") and len(bus.encode()) - len("ipc://") + BUS_SUFFIX > SOCKET_PATH_LIMIT:
        problems.append(f"BUS_ENDPOINT: must be a path of at most {SOCKET_PATH_LIMIT - BUS_SUFFIX} bytes")
    if bus == found["feed_endpoint"]:
        problems.append("FEED_ENDPOINT: must differ from BUS_ENDPOINT")
    if found["feed_client_keys"] and not keyed:
        problems.append("FEED_CLIENT_KEYS: needs BUS_SECRET_KEY, the key of the server that lets them in")
    problems += [
        f"{name}: has credentials in the URL while API_AUTH_TOKEN is set, too: one request has one, so drop either"
        for name in ("DOMAIN_API_URL", "API_CALLBACK_URL")
        if found["api_auth_token"] and found[name.lower()] and brings_credentials(found[name.lower()])
    ]
    problems += [
        f"REGISTRAR_URLS: the URL of {vendor} must be https: over http its keys can be read on the way; localhost, loopback "
        "and addresses in ALLOWED_PRIVATE_NETWORKS are the exceptions"
        for vendor in find_clear_text(found["registrar_urls"], found["allowed_private_networks"])
    ]
    if found["confirm_gap_close"] > found["confirm_gap"]:
        problems.append("CONFIRM_GAP_CLOSE: must not be above CONFIRM_GAP")
    if found["priority_check_interval"] > found["check_interval"]:
        problems.append("PRIORITY_CHECK_INTERVAL: must not be above CHECK_INTERVAL")
    return problems


def _find_missing_for_coordinator(found: Mapping[str, Any]) -> list[str]:
    """What a host that has checkers alone has to say besides COORDINATOR."""
    if not found["coordinator"]:
        return []
    problems = []
    if not found["egress_id"]:
        problems.append(
            "EGRESS_ID: a checker with a coordinator on another host needs it: a word of its own for each address that "
            'registries see; the one of the coordinator\'s host ("default" unless set there) where both leave from one address'
        )
    if not found["bus_secret_key"] and "BUS_SECRET_KEY" not in found["withheld"]:
        problems.append("BUS_SECRET_KEY: a checker with a coordinator on another host needs a key: `domain-monitor keys`")
    if not found["bus_server_key"]:
        problems.append("BUS_SERVER_KEY: a checker with a coordinator on another host needs the public key of that coordinator")
    return problems


def _find_shard_conflicts(found: Mapping[str, Any]) -> list[str]:
    """What is wrong with how the watch list is divided."""
    problems = []
    stored = not found["coordinator"] and "STORE_URL" not in found["withheld"]  # by this host, and this process is told where
    if found["shards"] > 1 and stored and found["store_url"].startswith("sqlite:"):
        problems.append("SHARDS: more than one needs STORE_URL=postgresql://...: one SQLite file has one writer")
    first, last = _port_of(found["bus_endpoint"]), PORTS * found["shards"] - 1
    others = {"FEED_ENDPOINT": _port_of(found["feed_endpoint"]), "CONTROL_PORT": found["control_port"]}
    if found["shards"] > 1 and first is not None and not found["coordinator"]:
        problems += [
            f"{name}: {port} is one of the ports {first} to {first + last} that BUS_ENDPOINT takes for {found['shards']} shards"
            for name, port in others.items()
            if port is not None and first <= port <= first + last
        ]
    if any("." in top for top in found["shard_spread"]):
        problems.append("SHARD_SPREAD: takes top-level domains alone")
    return problems


def _port_of(endpoint: str) -> int | None:
    """The port of an endpoint on tcp; None on ipc."""
    port = endpoint.rpartition(":")[2]
    return int(port) if endpoint.startswith("tcp://") and port.isdecimal() else None


def _may_share_store(found: Mapping[str, Any]) -> bool:
    """Whether other instances, which have the same key, may share the store; so it is where this process is not told."""
    return not found["store_url"].startswith("sqlite:") or "STORE_URL" in found["withheld"]
